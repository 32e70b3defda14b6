//! What tokens cost: a dated list of public prices that comes with the app, and the user's own `prices.json` in the data
//! folder, whose entries go before it. A model that neither names has no known price, which is not a price of zero.

use serde::Deserialize;
use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

pub(crate) const FILE: &str = "prices.json";
const BUILT_IN: &str = include_str!("prices.json");

/// Prices of a million tokens in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    input: f64,
    output: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    /// The day on which they were so.
    as_of: String,
    /// By the model's name, in small letters.
    usd_per_million_tokens: HashMap<String, Price>,
}

/// The prices in use.
#[derive(Debug)]
pub(crate) struct Prices {
    by_model: HashMap<String, Price>,
    pub(crate) as_of: String,
    pub(crate) own: bool,
    /// Why the user's own file is not used.
    pub(crate) problem: Option<String>,
}

impl Prices {
    /// The built-in list beneath the user's file, when there is one that can be read.
    pub(crate) fn of(data_dir: &Path) -> Prices {
        let built_in = read(BUILT_IN).expect("the built-in prices are tested");
        let path = data_dir.join(FILE);
        let mut prices =
            Prices { by_model: built_in.usd_per_million_tokens, as_of: built_in.as_of, own: false, problem: None };
        let own = match fs::read_to_string(&path) {
            Ok(text) => read(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => return prices,
            Err(error) => Err(error.to_string()),
        };
        match own {
            Ok(own) => {
                prices.by_model.extend(own.usd_per_million_tokens);
                (prices.as_of, prices.own) = (own.as_of, true);
            }
            Err(reason) => {
                prices.problem =
                    Some(format!("Your prices in {} are not used: {reason}. Mend the file.", path.display()));
            }
        }
        prices
    }

    /// What the tokens cost in US dollars; None: nobody knows.
    pub(crate) fn cost(&self, model: Option<&str>, prompt: u64, completion: u64) -> Option<f64> {
        let name = model?.to_lowercase();
        // A router puts the maker in front.
        let short = name.rsplit('/').next().unwrap_or(&name);
        // Some write `claude-opus-4.5` for what its maker calls `claude-opus-4-5`, and previews cost what the model does.
        let plain = undated(short).strip_suffix("-preview").unwrap_or(undated(short));
        let dashed = plain.replace('.', "-");
        let names = [name.as_str(), short, undated(short), plain, dashed.as_str()];
        let price = names.into_iter().find_map(|name| self.by_model.get(name))?;
        Some((prompt as f64 * price.input + completion as f64 * price.output) / 1e6)
    }
}

/// A name without the day of its version: `gpt-4o-2024-08-06`, `claude-3-5-haiku@20241022`, `…-latest`. Any other ending
/// is another model.
fn undated(name: &str) -> &str {
    if let Some(plain) = name.strip_suffix("-latest") {
        return plain;
    }
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    for (at, _) in name.match_indices(['-', '@']) {
        let rest = &name[at + 1..];
        let parts: Vec<&str> = rest.split('-').collect();
        let dated = match parts.as_slice() {
            [day] => digits(day, 8) || digits(day, 4),
            [year, month, day] => digits(year, 4) && digits(month, 2) && digits(day, 2),
            _ => false,
        };
        if dated {
            return &name[..at];
        }
    }
    name
}

fn read(text: &str) -> Result<List, String> {
    let mut list: List = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for (model, price) in &list.usd_per_million_tokens {
        let fine = |amount: f64| amount.is_finite() && amount >= 0.0;
        if !fine(price.input) || !fine(price.output) {
            return Err(format!("the price of '{model}' is below zero"));
        }
    }
    list.usd_per_million_tokens =
        list.usd_per_million_tokens.into_iter().map(|(model, price)| (model.to_lowercase(), price)).collect();
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_a_model_costs_what_the_model_costs_and_another_model_is_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let prices = Prices::of(dir.path());
        let known = prices.cost(Some("gpt-4o"), 1_000_000, 1_000_000).unwrap();
        for same in ["GPT-4o", "openai/gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-latest", "gpt-4o@20240806"] {
            assert_eq!(prices.cost(Some(same), 1_000_000, 1_000_000), Some(known), "{same}");
        }
        let opus = prices.cost(Some("claude-opus-4-5"), 1_000_000, 0);
        assert!(opus.is_some() && opus != prices.cost(Some("claude-opus-4"), 1_000_000, 0));
        assert_eq!(prices.cost(Some("anthropic/claude-opus-4.5"), 1_000_000, 0), opus);
        assert!(prices.cost(Some("gemini-3.1-pro-preview"), 1, 1).is_some());
        for unknown in ["gpt-4o-audio", "gpt-4o-mini-tts", "llama3.2:3b", "gpt-4o-2024", ""] {
            let expected = (unknown == "gpt-4o-2024").then_some(known);
            assert_eq!(prices.cost(Some(unknown), 1, 1), expected.map(|_| known / 1e6), "{unknown}");
        }
        assert_eq!(prices.cost(None, 1, 1), None);
        assert_ne!(prices.cost(Some("gpt-4o-mini"), 1_000_000, 0), prices.cost(Some("gpt-4o"), 1_000_000, 0));
    }

    #[test]
    fn the_users_file_goes_before_and_a_broken_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let own = r#"{"as_of": "2026-01-31", "usd_per_million_tokens": {"Llama3.2:3b": {"input": 0, "output": 0}, "gpt-4o": {"input": 1, "output": 2}}}"#;
        fs::write(dir.path().join(FILE), own).unwrap();
        let prices = Prices::of(dir.path());
        assert_eq!((prices.as_of.as_str(), prices.own), ("2026-01-31", true));
        assert_eq!(prices.cost(Some("llama3.2:3b"), 5, 5), Some(0.0));
        assert_eq!(prices.cost(Some("gpt-4o"), 1_000_000, 1_000_000), Some(3.0));
        assert!(prices.cost(Some("gpt-4o-mini"), 1, 1).is_some(), "the others stay");

        fs::write(dir.path().join(FILE), own.replace("\"input\": 1", "\"input\": -1")).unwrap();
        let broken = Prices::of(dir.path());
        assert!(broken.problem.as_deref().unwrap().contains("'gpt-4o' is below zero"), "{:?}", broken.problem);
        assert!(!broken.own && broken.cost(Some("llama3.2:3b"), 5, 5).is_none());
    }
}
