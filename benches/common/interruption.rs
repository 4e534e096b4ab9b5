//! Lets Ctrl-C and SIGTERM end a benchmark like a failure, so that everything it started is cleaned up.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::rt::{System, signal};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Starts to listen for both signals.
pub fn listen() {
    std::thread::spawn(|| {
        System::new().block_on(async {
            let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate()).unwrap();
            let end = signal::ctrl_c();
            futures_util::future::select(Box::pin(end), Box::pin(terminate.recv())).await;
            INTERRUPTED.store(true, Ordering::Relaxed);
        });
    });
}

/// Panics if a signal has arrived.
pub fn check() {
    assert!(!INTERRUPTED.load(Ordering::Relaxed), "interrupted");
}
