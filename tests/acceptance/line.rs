//! The line between a device and the gateway: passes everything on, counts it, and can stand still in the middle of a file.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// One way of the line.
#[derive(Default)]
pub(crate) struct Way {
    bytes: AtomicU64,
    gate: Mutex<Gate>,
    moved: Condvar,
}

#[derive(Default)]
struct Gate {
    /// A connection that has carried so much stands still.
    limit: Option<u64>,
    /// How many stand still.
    still: usize,
}

impl Way {
    /// Bytes since this was asked last.
    pub(crate) fn take(&self) -> u64 {
        self.bytes.swap(0, Ordering::SeqCst)
    }

    /// Each connection stands still once it has carried so many bytes.
    pub(crate) fn stop_after(&self, bytes: u64) {
        self.gate.lock().unwrap().limit = Some(bytes);
    }

    /// Waits until a connection stands still.
    pub(crate) fn wait_until_still(&self) {
        let mut gate = self.gate.lock().unwrap();
        while gate.still == 0 {
            gate = self.moved.wait(gate).unwrap();
        }
    }

    /// Lets everything pass again.
    pub(crate) fn go_on(&self) {
        self.gate.lock().unwrap().limit = None;
        self.moved.notify_all();
    }

    fn pass(&self, carried: u64) {
        let mut gate = self.gate.lock().unwrap();
        if gate.limit.is_none_or(|limit| carried < limit) {
            return;
        }
        gate.still += 1;
        self.moved.notify_all();
        while gate.limit.is_some_and(|limit| carried >= limit) {
            gate = self.moved.wait(gate).unwrap();
        }
        gate.still -= 1;
    }
}

pub(crate) struct Line {
    pub(crate) url: String,
    /// From the device to the server.
    pub(crate) up: Arc<Way>,
    pub(crate) down: Arc<Way>,
}

impl Line {
    /// A line to `server` (`http://127.0.0.1:port`), open for as long as the tests run.
    pub(crate) fn to(server: &str) -> Line {
        let server = server.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (up, down) = (Arc::<Way>::default(), Arc::<Way>::default());
        let ways = (up.clone(), down.clone());
        thread::spawn(move || {
            for device in listener.incoming() {
                let (Ok(device), Ok(server)) = (device, TcpStream::connect(&server)) else { continue };
                let (up, down) = ways.clone();
                carry(device.try_clone().unwrap(), server.try_clone().unwrap(), up);
                carry(server, device, down);
            }
        });
        Line { url, up, down }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, way: Arc<Way>) {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let mut carried = 0;
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            way.pass(carried);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
            carried += read as u64;
            way.bytes.fetch_add(read as u64, Ordering::SeqCst);
        }
        // Whichever side ended, the other one hears of it.
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}
