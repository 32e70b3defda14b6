//! Small facts about the profile: account, cursor, device.

use crate::{Reader, StoreError, Writer};
use airi_domain::OwnerId;
use rusqlite::{Connection, OptionalExtension};

const OWNER: &str = "owner";

pub(crate) fn get(connection: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached("select value from meta where key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

impl Reader {
    /// A fact by name.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        get(self.connection(), key)
    }

    /// Whose rows these are.
    pub fn owner(&self) -> Result<OwnerId, StoreError> {
        match get(self.connection(), OWNER)? {
            None => Ok(OwnerId::LOCAL),
            Some(text) => text.parse().map_err(|error| StoreError::Invalid(format!("the profile's owner: {error}"))),
        }
    }

    /// The number of the mirror's last change.
    pub fn head(&self) -> Result<i64, StoreError> {
        Ok(self.connection().prepare_cached("select seq from head")?.query_row([], |row| row.get(0))?)
    }
}

impl Writer<'_> {
    /// A fact by name, as this transaction sees it.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        get(self.connection(), key)
    }

    /// Notes a fact; None forgets it.
    pub fn set_meta(&mut self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        match value {
            Some(value) => self
                .connection()
                .prepare_cached("insert into meta values (?1, ?2) on conflict do update set value = ?2")?
                .execute([key, value])?,
            None => self.connection().prepare_cached("delete from meta where key = ?1")?.execute([key])?,
        };
        Ok(())
    }

    /// From now on changes of this profile are queued for that account's server.
    pub fn set_owner(&mut self, owner: OwnerId) -> Result<(), StoreError> {
        self.owner = owner;
        self.set_meta(OWNER, Some(&owner.to_string()))
    }
}
