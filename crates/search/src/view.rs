//! What is searched at a moment: the engine's snapshot, with what every search needs of it opened once.

use crate::IndexError;
use crate::filter::Columns;
use crate::schema::{Fields, PARTS};
use tantivy::Searcher;

pub(crate) struct View {
    pub(crate) searcher: Searcher,
    /// By segment.
    pub(crate) columns: Vec<Columns>,
    /// Tokens in each part: parts without any need not be asked.
    pub(crate) tokens: [u64; PARTS],
}

impl View {
    /// Opens every part of every segment, so that a file that was cut shows here and not in a search.
    pub(crate) fn new(searcher: Searcher, fields: &Fields) -> Result<View, IndexError> {
        let (mut columns, mut tokens) = (Vec::new(), [0; PARTS]);
        for segment in searcher.segment_readers() {
            columns.push(Columns::open(segment)?);
            for (part, field) in fields.parts.iter().enumerate() {
                tokens[part] += segment.inverted_index(*field)?.total_num_tokens();
            }
            for field in fields.parts.iter().chain([&fields.key, &fields.conversation]) {
                segment.inverted_index(*field)?.terms().stream()?.advance();
            }
        }
        Ok(View { searcher, columns, tokens })
    }

    /// Rows, removed ones that are not merged away yet among them: what the engine counts with.
    pub(crate) fn rows(&self) -> u64 {
        self.searcher.segment_readers().iter().map(|segment| u64::from(segment.max_doc())).sum()
    }
}
