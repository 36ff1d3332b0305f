//! Parallel fold over numbered tasks: each worker has a state, and states are merged at the end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

use crate::error::{Error, Result};
use crate::exec::threads::spawn_within;
use crate::exec::{Context, lock, panicked};

/// Folds the tasks `0..tasks` into one state.
///
/// Each worker starts from `init`, takes tasks as they come and calls `step` on them; `merge` joins
/// the workers' states. Which worker takes which task is a matter of chance, so `merge` has to be
/// associative and commutative for the result to be reproducible. Of several failures, that of the
/// earliest task is reported.
pub(crate) fn fold<S: Send>(
    ctx: &Context,
    tasks: usize,
    init: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, usize) -> Result<()> + Sync,
    merge: impl Fn(&mut S, S),
) -> Result<S> {
    fold_on(ctx, tasks, tasks, init, step, merge)
}

/// As [`fold`], on no more than `workers` cores: for states that are large.
pub(crate) fn fold_on<S: Send>(
    ctx: &Context,
    workers: usize,
    tasks: usize,
    init: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, usize) -> Result<()> + Sync,
    merge: impl Fn(&mut S, S),
) -> Result<S> {
    fold_in(ctx, ctx.threads().min(workers), tasks, init, step, merge)
}

/// As [`fold`], in `threads` threads, however many cores there are.
fn fold_in<S: Send>(
    ctx: &Context,
    threads: usize,
    tasks: usize,
    init: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, usize) -> Result<()> + Sync,
    merge: impl Fn(&mut S, S),
) -> Result<S> {
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let work = || {
        let mut state = init();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                return state;
            }
            let outcome = ctx.check().and_then(|()| {
                catch_unwind(AssertUnwindSafe(|| step(&mut state, task)))
                    .unwrap_or_else(|panic| Err(panicked(&*panic)))
            });
            if let Err(error) = outcome {
                next.store(tasks, Ordering::Relaxed);
                let mut failure = lock(&failure);
                if failure.as_ref().is_none_or(|(earliest, _)| task < *earliest) {
                    *failure = Some((task, error));
                }
                return state;
            }
        }
    };
    let threads = threads.min(tasks);
    let mut total = init();
    if threads <= 1 {
        merge(&mut total, work());
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .filter_map(|i| {
                    let name = format!("fastsample-{i}");
                    spawn_within(scope, Builder::new().name(name), work).ok()
                })
                .collect();
            if workers.is_empty() {
                merge(&mut total, work());
            }
            for worker in workers {
                if let Ok(state) = worker.join() {
                    merge(&mut total, state);
                }
            }
        });
    }
    match failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(total),
    }
}

/// What `each` makes of the tasks `0..tasks`, in their order. Failures are those of [`fold`].
pub(crate) fn map<T: Send>(
    ctx: &Context,
    tasks: usize,
    each: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    map_in(ctx, ctx.threads(), tasks, each)
}

/// As [`map`], in `threads` threads, however many cores there are: for tasks that mostly wait.
pub(crate) fn map_in<T: Send>(
    ctx: &Context,
    threads: usize,
    tasks: usize,
    each: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let mut found = fold_in(
        ctx,
        threads,
        tasks,
        Vec::new,
        |found, task| {
            found.push((task, each(task)?));
            Ok(())
        },
        |found: &mut Vec<_>, mut more| found.append(&mut more),
    )?;
    found.sort_unstable_by_key(|(task, _)| *task);
    Ok(found.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_folded_once() {
        for threads in [1, 2, 8] {
            let ctx = Context::new(Some(threads));
            let sum = fold(
                &ctx,
                1000,
                || 0_usize,
                |sum, task| {
                    *sum += task;
                    Ok(())
                },
                |sum, other| *sum += other,
            );
            assert_eq!(sum.expect("no task fails"), 499_500);
        }
    }

    #[test]
    fn results_come_in_the_order_of_tasks() {
        for threads in [1, 2, 8] {
            let ctx = Context::new(Some(threads));
            let squares: Vec<usize> = (0..1000).map(|task| task * task).collect();
            let found = map(&ctx, 1000, |task| Ok(task * task));
            assert_eq!(found.expect("no task fails"), squares);
        }
    }

    #[test]
    fn failures_and_panics_are_errors() {
        let ctx = Context::new(Some(2));
        let failing = |task| if task == 3 { Err(Error::Argument("three".into())) } else { Ok(()) };
        let error =
            fold(&ctx, 10, || (), |(), task| failing(task), |(), ()| ()).expect_err("fails");
        assert_eq!(error.to_string(), "three");
        let error = fold(&ctx, 2, || (), |(), _| panic!("boom"), |(), ()| ()).expect_err("panics");
        assert!(error.to_string().contains("boom"), "{error}");
    }
}
