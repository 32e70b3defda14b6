//! The account's devices.

use crate::account::{Done, wait};
use crate::args::{Devices, DevicesAction};
use crate::print::{Out, minute, short};
use airi_app::App;
use airi_contract::{DeviceRef, DeviceRow};
use std::process::ExitCode;

pub(crate) fn devices(app: &App, out: &Out, given: Devices) -> Done {
    let rows = match given.action {
        None => wait(app.list_devices())??,
        Some(DevicesAction::SignOut { id }) => wait(app.sign_out_device(DeviceRef { id }))??,
    };
    out.answer(&rows, |rows| text(rows));
    Ok(ExitCode::SUCCESS)
}

fn text(rows: &[DeviceRow]) -> String {
    if rows.is_empty() {
        return "No device has synced with this account yet; `airi sync` makes this one the first.".into();
    }
    let mut table = vec![["ID", "NAME", "PLATFORM", "VERSION", "FIRST SEEN", "LAST SYNC (UTC)", ""].map(str::to_owned)];
    table.extend(rows.iter().map(|row| {
        let state = match (&row.signed_out_at, row.current) {
            (Some(at), _) => format!("signed out {}", minute(at)),
            (None, true) => "this device".into(),
            (None, false) => String::new(),
        };
        [
            row.id.clone(),
            short(&row.name, 30),
            short(&row.platform, 10),
            short(&row.app_version, 12),
            row.first_seen_at.get(..10).unwrap_or_default().to_owned(),
            minute(&row.last_sync_at),
            state,
        ]
    }));
    columns(&table)
}

fn columns<const N: usize>(table: &[[String; N]]) -> String {
    let width = |n: usize| table.iter().map(|row| row[n].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    table.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_stands_in_its_columns_with_what_it_is() {
        let row = |name: &str, current, signed_out_at: Option<&str>| DeviceRow {
            id: "0190".into(),
            name: name.into(),
            platform: "linux".into(),
            app_version: "0.1.0".into(),
            first_seen_at: "2026-01-01T00:00:00.000000Z".into(),
            last_sync_at: "2026-01-31T08:30:00.000000Z".into(),
            signed_out_at: signed_out_at.map(str::to_owned),
            current,
        };
        let text = text(&[row("desk", true, None), row("a laptop", false, Some("2026-02-01T09:00:00.000000Z"))]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].ends_with("this device") && lines[1].contains("desk      linux"), "{text}");
        assert!(lines[2].ends_with("signed out 2026-02-01 09:00"), "{text}");
        let column = |line: &str| line.find("2026-01-31");
        assert_eq!(column(lines[1]), column(lines[2]));
    }
}
