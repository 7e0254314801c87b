//! What one password costs: the number in docs/security.md.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use session::credential::password::Password;

fn password(bench: &mut Criterion) {
    let Ok(password) = Password::parse("correct horse".into()) else { return };
    bench.bench_function("hash a password", |bencher| bencher.iter(|| black_box(&password).hash(&[7; 16])));
    bench.bench_function("verify for an unknown user", |bencher| bencher.iter(|| black_box(&password).matches(None)));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = password
}
criterion_main!(benches);
