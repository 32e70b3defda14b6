//! Full-text search over the mirror: an index on disk (Tantivy), the query language, and snippets.
//!
//! The index is derived data. It knows rows by the mirror's integer ids, holds no text, and can be thrown away at any
//! time: each commit says which position of the mirror it has reached, and the caller puts what came after. What is
//! saved but not committed yet is searched in an [`Overlay`].
//!
//! ```text
//! Index::open → position → (mirror's changes after it) → Writer::put/remove… → Writer::commit(position)
//! Query::parse → conversation_filters → (mirror) → Scope → Index::search(…, overlay) → Hits → (texts) → snippet
//! ```

mod collect;
mod error;
mod filter;
mod index;
mod lock;
mod overlay;
mod plan;
pub mod query;
mod rank;
mod schema;
mod scope;
mod search;
mod snippet;
mod terms;
mod tokens;
mod typo;
mod view;
mod writer;

pub use error::IndexError;
pub use index::{Index, Opened, Rebuilt};
pub use overlay::Overlay;
pub use query::{Filter, FilterKind, ParseOptions, Query, QueryError};
pub use schema::{Doc, Part};
pub use scope::{Bitset, Scope};
pub use search::{Hit, Hits, Options, Sort};
pub use snippet::{Snippet, matches, snippet};
pub use writer::{Load, Writer};
