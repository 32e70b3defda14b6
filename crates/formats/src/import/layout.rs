//! Which entries of an export hold the conversations, and which hold the bytes of a file that a message names.

use super::AssetRef;
use super::container::{Container, Entry};
use super::error::{ImportError, shown};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

const MAX_SMALL: u64 = 64 << 20;
const MANIFEST: &str = "export_manifest.json";
const CONVERSATIONS: &str = "conversations.json";
const ASSET_NAMES: &str = "conversation_asset_file_names.json";

/// The entries with conversations in their order.
pub(crate) fn parts(container: &mut Container) -> Result<Vec<usize>, ImportError> {
    if container.single {
        return Ok(vec![0]);
    }
    let folder = export_folder(container)?;
    let find = |container: &Container, name: &str| {
        let wanted = format!("{folder}{name}");
        container.entries.iter().position(|entry| entry.name == wanted)
    };
    if let Some(manifest) = find(container, MANIFEST)
        && let Some(names) = manifest_parts(container, manifest)?
    {
        return names
            .into_iter()
            .map(|name| find(container, &name).ok_or_else(|| ImportError::MissingPart { missing: shown(&name) }))
            .collect();
    }
    if let Some(whole) = find(container, CONVERSATIONS) {
        return Ok(vec![whole]);
    }
    let in_folder = |entry: &&(usize, &Entry)| entry.1.folder() == folder;
    let entries: Vec<_> = container.entries.iter().enumerate().collect();
    let mut shards: Vec<(u64, usize)> = entries
        .iter()
        .filter(in_folder)
        .filter_map(|(index, entry)| shard_number(entry.base()).map(|number| (number, *index)))
        .collect();
    shards.sort_unstable();
    if !shards.is_empty() {
        return Ok(shards.into_iter().map(|(_, index)| index).collect());
    }
    let lone: Vec<_> = entries.iter().filter(in_folder).filter(|(_, e)| e.name.ends_with(".json")).collect();
    match lone.as_slice() {
        [(index, _)] => Ok(vec![*index]),
        _ => Err(ImportError::NoConversations { name: container.name.clone(), seen: seen(container) }),
    }
}

fn seen(container: &Container) -> String {
    let names: Vec<_> = container.entries.iter().take(5).map(|entry| shown(&entry.name)).collect();
    match container.entries.len() {
        0 => "there is no file in it".to_owned(),
        count => format!("it has {count} files ({}…)", names.join(", ")),
    }
}

/// `conversations-007.json` → 7
fn shard_number(base: &str) -> Option<u64> {
    base.strip_prefix("conversations-")?.strip_suffix(".json")?.parse().ok()
}

/// The shallowest folder with conversations: archives are often packed again with a folder around them.
fn export_folder(container: &Container) -> Result<String, ImportError> {
    let mut best: Option<(usize, &str)> = None;
    for entry in &container.entries {
        let base = entry.base();
        let folder = entry.folder();
        if folder.starts_with("__MACOSX/")
            || !(base == MANIFEST || base == CONVERSATIONS || shard_number(base).is_some())
        {
            continue;
        }
        let depth = folder.matches('/').count();
        match best {
            Some((known, other)) if known == depth && other != folder => {
                return Err(ImportError::NoConversations {
                    name: container.name.clone(),
                    seen: format!(
                        "it holds several exports ('{}' and '{}'); import each of them",
                        shown(other),
                        shown(folder)
                    ),
                });
            }
            Some((known, _)) if known <= depth => {}
            _ => best = Some((depth, folder)),
        }
    }
    Ok(best.map_or(String::new(), |(_, folder)| folder.to_owned()))
}

fn manifest_parts(container: &mut Container, index: usize) -> Result<Option<Vec<String>>, ImportError> {
    let Some(manifest) = small_json(container, index)? else { return Ok(None) };
    let Some(logical) = manifest.get("logical_files").and_then(|files| files.get(CONVERSATIONS)) else {
        return Ok(None);
    };
    let Some(files) = logical.get("files").and_then(Value::as_array) else { return Ok(None) };
    let names: Vec<String> = files
        .iter()
        .filter_map(|file| file.as_str().or_else(|| file.get("name").and_then(Value::as_str)))
        .map(str::to_owned)
        .collect();
    Ok((!names.is_empty()).then_some(names))
}

fn small_json(container: &mut Container, index: usize) -> Result<Option<Value>, ImportError> {
    let Some(bytes) = container.read_small(index, MAX_SMALL)? else { return Ok(None) };
    let name = shown(&container.entries[index].name);
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(ImportError::Broken { name, position: 0, what: error.to_string() }),
    }
}

/// Finds the bytes of a file by the id that messages call it by, in every layout that exports have had.
#[derive(Default)]
pub(crate) struct Assets {
    /// Last part of the name → entry, in order: an id is looked up as a prefix.
    by_base: BTreeMap<String, AssetRef>,
    /// `<id>.dat` → the name that the user gave the file.
    real_names: HashMap<String, String>,
}

impl Assets {
    pub(crate) fn of(container: &mut Container, parts: &[usize]) -> Result<Assets, ImportError> {
        let mut assets = Assets::default();
        if container.single {
            return Ok(assets);
        }
        let names = container.entries.iter().position(|entry| entry.base() == ASSET_NAMES);
        if let Some(index) = names
            && let Some(Value::Object(map)) = small_json(container, index)?
        {
            for (file, name) in map {
                if let Value::String(name) = name {
                    let base = file.rsplit('/').next().unwrap_or(&file).to_owned();
                    assets.real_names.insert(base, name);
                }
            }
        }
        for (index, entry) in container.entries.iter().enumerate() {
            if parts.contains(&index) || entry.name.starts_with("__MACOSX/") {
                continue;
            }
            let asset = AssetRef { name: entry.name.clone(), size: entry.size, entry: index };
            assets.by_base.entry(entry.base().to_owned()).or_insert(asset);
        }
        Ok(assets)
    }

    /// The file with that id, and the name that the export gives it.
    pub(crate) fn find(&self, id: &str) -> (Option<AssetRef>, Option<String>) {
        if id.is_empty() {
            return (None, None);
        }
        let found = self.by_base.get(&format!("{id}.dat")).map(|asset| (format!("{id}.dat"), asset)).or_else(|| {
            self.by_base
                .range(id.to_owned()..)
                .take_while(|(base, _)| base.starts_with(id))
                .find(|(base, _)| !base[id.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
                .map(|(base, asset)| (base.clone(), asset))
        });
        let Some((base, asset)) = found else {
            return (None, self.real_names.get(&format!("{id}.dat")).cloned());
        };
        let real = self.real_names.get(&base).cloned().or_else(|| {
            // `file-abc-holiday.png` carries the user's name; `file-abc.png` carries none, and neither do the files in
            // `dalle-generations/` and `user-…/`.
            if asset.name.contains("dalle-generations/") || asset.name.contains("user-") {
                return None;
            }
            let rest = base[id.len()..].strip_prefix('-')?;
            (!rest.is_empty()).then(|| rest.to_owned())
        });
        (Some(asset.clone()), real)
    }

    /// The entry of that very name.
    pub(crate) fn named(&self, base: &str) -> Option<AssetRef> {
        self.by_base.get(base).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assets(names: &[&str]) -> Assets {
        let mut assets = Assets::default();
        for (entry, name) in names.iter().enumerate() {
            let base = name.rsplit('/').next().unwrap().to_owned();
            assets.by_base.insert(base, AssetRef { name: (*name).to_owned(), size: 1, entry });
        }
        assets.real_names.insert("file_77.dat".into(), "first.jpg".into());
        assets
    }

    #[test]
    fn an_id_finds_its_file_in_every_layout_and_never_another_one() {
        let assets = assets(&[
            "file-AAA-holiday.png",
            "dalle-generations/file-BBB-11-22.webp",
            "user-x/file_00cc-dd.png",
            "file_77.dat",
            "file-AAAB.png",
        ]);
        let name = |id: &str| assets.find(id).0.map(|asset| asset.name);
        assert_eq!(name("file-AAA").unwrap(), "file-AAA-holiday.png");
        assert_eq!(assets.find("file-AAA").1.unwrap(), "holiday.png");
        assert_eq!(name("file-BBB").unwrap(), "dalle-generations/file-BBB-11-22.webp");
        assert_eq!(name("file_00cc").unwrap(), "user-x/file_00cc-dd.png");
        assert_eq!(name("file_77").unwrap(), "file_77.dat");
        assert_eq!(assets.find("file-BBB").1, None);
        assert_eq!(assets.find("file_77").1.unwrap(), "first.jpg");
        assert_eq!(name("file-AA"), None);
        assert_eq!(name("file_7"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn shards_are_counted_as_numbers() {
        assert_eq!(shard_number("conversations-010.json"), Some(10));
        assert_eq!(shard_number("conversations.json"), None);
        assert_eq!(shard_number("shared_conversations.json"), None);
    }
}
