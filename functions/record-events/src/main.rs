//! The function as Lambda runs it: it needs no setting, no secret and no table.

use std::io::stdout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    session::http::serve(
        async |_, _| Ok(()),
        async |(), event, invocation| record_events::handle(event, invocation, &mut stdout().lock()),
    )
    .await
}
