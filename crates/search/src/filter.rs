//! Which rows count: those of the scope, that the message filters let through and that nothing newer supersedes. Read
//! from columns, so that ranking can ask for a row at a time.

use crate::overlay::Overlay;
use crate::query::{FilterKind, Query};
use crate::schema::{ATTACHMENT, column, message_of, role_number};
use crate::tokens::tokens;
use crate::{IndexError, Scope};
use tantivy::SegmentReader;
use tantivy::columnar::{Column, StrColumn};

/// The columns of a segment.
pub(crate) struct Columns {
    key: Column<u64>,
    conversation: Column<u64>,
    created_at: Column<i64>,
    flags: Column<u64>,
    model: Option<StrColumn>,
    provider: Option<StrColumn>,
}

impl Columns {
    pub(crate) fn open(segment: &SegmentReader) -> Result<Columns, IndexError> {
        let fast = segment.fast_fields();
        Ok(Columns {
            key: fast.u64(column::KEY)?,
            conversation: fast.u64(column::CONVERSATION)?,
            created_at: fast.i64(column::CREATED_AT)?,
            flags: fast.u64(column::FLAGS)?,
            model: fast.str(column::MODEL)?,
            provider: fast.str(column::PROVIDER)?,
        })
    }
}

/// The message filters of a query, added up. A row passes when it is in every list that is not empty.
#[derive(Debug, Default)]
pub(crate) struct MessageFilter {
    roles: Vec<u64>,
    not_roles: Vec<u64>,
    models: Vec<String>,
    not_models: Vec<String>,
    providers: Vec<String>,
    not_providers: Vec<String>,
    from: Option<i64>,
    until: Option<i64>,
    attachment: Option<bool>,
    /// The filters contradict each other.
    never: bool,
}

/// What a name is compared by.
fn folded(name: &str) -> String {
    tokens(name).into_iter().filter(|token| token.length == 1).map(|token| token.text + " ").collect()
}

fn either<'a, T>(second: bool, a: &'a mut Vec<T>, b: &'a mut Vec<T>) -> &'a mut Vec<T> {
    if second { b } else { a }
}

impl MessageFilter {
    pub(crate) fn new(query: &Query) -> MessageFilter {
        let mut out = MessageFilter::default();
        for filter in query.message_filters() {
            let no = filter.negated;
            match &filter.kind {
                FilterKind::Role(role) => {
                    either(no, &mut out.roles, &mut out.not_roles).push(role_number(Some(*role)));
                }
                FilterKind::Model(name) => either(no, &mut out.models, &mut out.not_models).push(folded(name)),
                FilterKind::Provider(name) => {
                    either(no, &mut out.providers, &mut out.not_providers).push(folded(name));
                }
                FilterKind::HasAttachment => {
                    out.never |= out.attachment.is_some_and(|wanted| wanted == filter.negated);
                    out.attachment = Some(!filter.negated);
                }
                FilterKind::After(time) if !filter.negated => out.at_least(time.micros()),
                FilterKind::Before(time) if filter.negated => out.at_least(time.micros()),
                FilterKind::Before(time) | FilterKind::After(time) => {
                    out.until = Some(out.until.unwrap_or(i64::MAX).min(time.micros()));
                }
                // Of the conversation: in the scope.
                _ => {}
            }
        }
        out
    }

    fn at_least(&mut self, micros: i64) {
        self.from = Some(self.from.unwrap_or(i64::MIN).max(micros));
    }

    pub(crate) fn accepts_time(&self, micros: i64) -> bool {
        !self.never && self.from.is_none_or(|from| micros >= from) && self.until.is_none_or(|until| micros < until)
    }

    pub(crate) fn accepts_flags(&self, flags: u64) -> bool {
        let role = flags & (ATTACHMENT - 1);
        (self.roles.is_empty() || self.roles.contains(&role))
            && !self.not_roles.contains(&role)
            && self.attachment.is_none_or(|wanted| wanted == (flags & ATTACHMENT != 0))
    }

    pub(crate) fn accepts_names(&self, model: Option<&str>, provider: Option<&str>) -> bool {
        accepts_name(model, &self.models, &self.not_models)
            && accepts_name(provider, &self.providers, &self.not_providers)
    }
}

fn accepts_name(name: Option<&str>, wanted: &[String], unwanted: &[String]) -> bool {
    if wanted.is_empty() && unwanted.is_empty() {
        return true;
    }
    let Some(name) = name.map(folded) else { return wanted.is_empty() };
    let any = |list: &[String]| list.iter().any(|part| name.contains(part.trim_end()));
    (wanted.is_empty() || any(wanted)) && !any(unwanted)
}

/// All that decides whether a row of a segment counts.
pub(crate) struct RowFilter<'a> {
    segment: &'a SegmentReader,
    columns: &'a Columns,
    scope: &'a Scope,
    filter: &'a MessageFilter,
    overlay: Option<&'a Overlay>,
    /// By ordinal of the segment's dictionary, whether the name passes; None: no filter.
    models: Option<Names>,
    providers: Option<Names>,
    everything: bool,
}

struct Names {
    pass: Vec<bool>,
    nameless: bool,
}

impl Names {
    fn new(column: Option<&StrColumn>, yes: &[String], no: &[String]) -> Result<Option<Names>, IndexError> {
        if yes.is_empty() && no.is_empty() {
            return Ok(None);
        }
        let mut pass = Vec::new();
        let mut name = String::new();
        for ordinal in 0..column.map_or(0, |column| column.num_terms() as u64) {
            name.clear();
            if let Some(column) = column {
                column.ord_to_str(ordinal, &mut name)?;
            }
            pass.push(accepts_name(Some(&name), yes, no));
        }
        Ok(Some(Names { pass, nameless: yes.is_empty() }))
    }

    fn accepts(&self, column: Option<&StrColumn>, row: u32) -> bool {
        let ordinal = column.and_then(|column| column.ords().first(row));
        ordinal.map_or(self.nameless, |ordinal| self.pass.get(ordinal as usize).copied().unwrap_or(false))
    }
}

impl<'a> RowFilter<'a> {
    pub(crate) fn new(
        segment: &'a SegmentReader,
        columns: &'a Columns,
        scope: &'a Scope,
        filter: &'a MessageFilter,
        overlay: Option<&'a Overlay>,
    ) -> Result<RowFilter<'a>, IndexError> {
        let models = Names::new(columns.model.as_ref(), &filter.models, &filter.not_models)?;
        let providers = Names::new(columns.provider.as_ref(), &filter.providers, &filter.not_providers)?;
        let plain = filter.roles.is_empty() && filter.not_roles.is_empty() && filter.attachment.is_none();
        let timeless = filter.from.is_none() && filter.until.is_none() && !filter.never;
        let everything = models.is_none()
            && providers.is_none()
            && plain
            && timeless
            && scope.include.is_none()
            && scope.exclude.as_ref().is_none_or(|set| set.is_empty())
            && overlay.is_none_or(Overlay::is_empty);
        Ok(RowFilter { segment, columns, scope, filter, overlay, models, providers, everything })
    }

    /// Whether every row passes that is not removed.
    pub(crate) fn is_everything(&self) -> bool {
        self.everything
    }

    pub(crate) fn accepts(&self, row: u32) -> bool {
        if self.segment.is_deleted(row) {
            return false;
        }
        if self.everything {
            return true;
        }
        let (key, conversation) = self.ids(row);
        self.scope.contains(conversation)
            && self.overlay.is_none_or(|overlay| !overlay.supersedes(key, conversation))
            && self.filter.accepts_time(self.created_at(row))
            && self.filter.accepts_flags(self.columns.flags.first(row).unwrap_or(0))
            && self.models.as_ref().is_none_or(|names| names.accepts(self.columns.model.as_ref(), row))
            && self.providers.as_ref().is_none_or(|names| names.accepts(self.columns.provider.as_ref(), row))
    }

    /// Key and conversation.
    pub(crate) fn ids(&self, row: u32) -> (u64, i64) {
        (self.columns.key.first(row).unwrap_or(0), self.columns.conversation.first(row).unwrap_or(0) as i64)
    }

    pub(crate) fn created_at(&self, row: u32) -> i64 {
        self.columns.created_at.first(row).unwrap_or(0)
    }

    pub(crate) fn is_title(&self, row: u32) -> bool {
        message_of(self.ids(row).0) == 0
    }
}
