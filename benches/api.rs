//! The platform's API of the program named by `SIAGA_BIN`, against a PostgreSQL server of its own and the embedded database.

#[path = "../tests/support/postgres.rs"]
mod postgres;
#[path = "../tests/support/shared.rs"]
#[allow(dead_code)] // a bench needs no recordings, only the notes of what is missing
mod shared;

use siaga_bench::api;

fn main() {
    // Kept to the end: the server stops with it.
    let server = postgres::durable();
    let url = server.as_ref().map(|server| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .expect("a runtime starts")
            .block_on(server.database())
    });
    api::print(api::Size::FULL, url);
}
