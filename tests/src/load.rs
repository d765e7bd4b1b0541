//! Load while something else happens: some connections that send one request after the other and count what is not right.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::client::Client;

/// Load that runs until it is stopped.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins: `work` is called over and over on each connection, with the connection's number and a running number; `Err` is
    /// a failed request.
    pub fn start<F>(address: SocketAddr, connections: usize, work: F) -> Self
    where
        F: Fn(&mut Client, usize, u64) -> Result<(), String> + Send + Sync + 'static,
    {
        let (stop, count, failures) = (Arc::default(), Arc::default(), Arc::default());
        let mut load = Self {
            stop,
            count,
            failures,
            threads: Vec::new(),
        };
        let work = Arc::new(work);
        for connection in 0..connections {
            let (stop, count) = (Arc::clone(&load.stop), Arc::clone(&load.count));
            let (failures, work) = (Arc::clone(&load.failures), Arc::clone(&work));
            load.threads.push(thread::spawn(move || {
                let mut client = Client::new(address);
                while !stop.load(Ordering::Relaxed) {
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    if let Err(failure) = work(&mut client, connection, number) {
                        failures.lock().expect("the failures").push(failure);
                    }
                }
            }));
        }
        load
    }

    /// How many requests were sent so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// What failed so far.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        self.failures.lock().expect("the failures").clone()
    }

    /// Ends; answers how many requests were sent and what failed.
    #[must_use]
    pub fn stop(mut self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a load thread ends");
        }
        (self.count(), self.failures())
    }
}
