//! Ctrl-C and SIGTERM end a benchmark as a failure does, so that nothing that it started stays behind.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::rt::{System, signal};

static HAS_COME: AtomicBool = AtomicBool::new(false);

/// Listens for both from now on.
pub fn listen() {
    std::thread::spawn(|| {
        System::new().block_on(async {
            let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate()).unwrap();
            let end = signal::ctrl_c();
            futures_util::future::select(Box::pin(end), Box::pin(terminate.recv())).await;
            HAS_COME.store(true, Ordering::Relaxed);
        });
    });
}

/// Fails once there was one.
pub fn check() {
    assert!(!HAS_COME.load(Ordering::Relaxed), "interrupted");
}
