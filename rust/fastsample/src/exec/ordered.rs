//! Ordered parallel map: tasks run in parallel, results leave in order, in bounded memory.
//!
//! ```text
//!  tasks    0   1   2   3   4 ...        claimed in order by the workers
//!           │   │   │
//!  queues   ▒▒  ▒▒▒ ▒                    each task sends any number of items
//!           │
//!  consumer ▼  drains task 0, then 1, then 2 ...
//! ```
//!
//! Items that wait count against a budget. The task at the head may always send while its own
//! queue is empty, so the consumer never starves and nothing deadlocks, however small the budget.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};

use super::memory;
use super::panic::panicked;
use crate::error::{Error, Result};
use crate::exec::context::wait_for;
use crate::exec::{lock, threads};

struct Slot<T> {
    items: VecDeque<(Result<T>, usize)>,
    finished: bool,
}

struct QueueState<T> {
    /// The task that the consumer drains; `slots[0]` is its queue.
    head: usize,
    /// The next task to be claimed by a worker.
    next: usize,
    slots: VecDeque<Slot<T>>,
    bytes: usize,
    stopped: bool,
}

struct Queue<T> {
    tasks: usize,
    budget: usize,
    state: Mutex<QueueState<T>>,
    changed: Condvar,
}

impl<T> Queue<T> {
    fn claim(&self) -> Option<usize> {
        let mut state = lock(&self.state);
        if state.stopped || state.next == self.tasks {
            return None;
        }
        state.slots.push_back(Slot { items: VecDeque::new(), finished: false });
        state.next += 1;
        Some(state.next - 1)
    }

    fn send(&self, task: usize, item: Result<T>, bytes: usize) -> Result<()> {
        if item.is_ok() {
            memory::check()?;
        }
        let mut state = lock(&self.state);
        loop {
            if state.stopped || threads::are_to_stop() {
                return Err(Error::Cancelled);
            }
            let starving = task == state.head && state.slots[0].items.is_empty();
            if starving || item.is_err() || state.bytes + bytes <= self.budget {
                break;
            }
            state = wait_for(&self.changed, state, threads::LOOK);
        }
        state.bytes += bytes;
        let slot = task - state.head;
        state.slots[slot].items.push_back((item, bytes));
        self.changed.notify_all();
        Ok(())
    }

    fn finish(&self, task: usize) {
        let mut state = lock(&self.state);
        if let Some(slot) = task.checked_sub(state.head).and_then(|slot| state.slots.get_mut(slot))
        {
            slot.finished = true;
        }
        self.changed.notify_all();
    }

    fn stop(&self) {
        lock(&self.state).stopped = true;
        self.changed.notify_all();
    }
}

/// Where a task puts its items.
pub(crate) struct Emitter<'a, T> {
    shared: &'a Queue<T>,
    task: usize,
}

impl<T> Emitter<'_, T> {
    /// Sends an item of `bytes` bytes; waits while too much is under way.
    ///
    /// Fails when the consumer has stopped; the task should then return that error.
    pub(crate) fn send(&self, item: T, bytes: usize) -> Result<()> {
        self.shared.send(self.task, Ok(item), bytes)
    }
}

/// The items of all tasks, in the order of the tasks. Ends after the first error.
///
/// A child that a process forks has none of its threads, and may find locks that one of them held.
/// There, the first item is an error.
pub(crate) struct Ordered<T: Send + 'static> {
    shared: Arc<Queue<T>>,
    /// The process that has the threads.
    process: u32,
    /// Whether another one was told so.
    refused: bool,
    /// Threads that had been stopped for good when it began.
    stopped_before: usize,
}

impl<T: Send + 'static> Ordered<T> {
    /// Runs `work` on the tasks `0..tasks` in at most `workers` threads, with at most `budget` bytes
    /// of items waiting.
    pub(crate) fn run<F>(workers: usize, tasks: usize, budget: usize, work: F) -> Self
    where
        F: Fn(usize, &Emitter<'_, T>) -> Result<()> + Send + Sync + 'static,
    {
        let shared = Arc::new(Queue {
            tasks,
            budget,
            state: Mutex::new(QueueState {
                head: 0,
                next: 0,
                slots: VecDeque::new(),
                bytes: 0,
                stopped: false,
            }),
            changed: Condvar::new(),
        });
        let work = Arc::new(work);
        for worker in 0..workers.min(tasks) {
            let (shared, work) = (shared.clone(), work.clone());
            let spawned = threads::spawn(format!("fastsample-{worker}"), {
                let shared = shared.clone();
                move || run_worker(&shared, work.as_ref())
            });
            // With no thread to be had at all, the first item is the error that says so.
            if let (Err(error), 0) = (spawned, worker)
                && let Some(task) = shared.claim()
            {
                let _ = shared.send(task, Err(Error::no_thread(&error)), 0);
            }
        }
        let (process, stopped_before) = (std::process::id(), memory::stopped());
        Self { shared, process, refused: false, stopped_before }
    }
}

fn run_worker<T, F>(shared: &Queue<T>, work: &F)
where
    F: Fn(usize, &Emitter<'_, T>) -> Result<()>,
{
    while let Some(task) = shared.claim() {
        let emitter = Emitter { shared, task };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(task, &emitter)))
            .unwrap_or_else(|panic| Err(panicked(&*panic)));
        if let Err(error) = outcome {
            let _ = shared.send(task, Err(error), 0);
        }
        shared.finish(task);
    }
}

impl<T: Send + 'static> Iterator for Ordered<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.process != std::process::id() {
            return (!std::mem::replace(&mut self.refused, true)).then(|| Err(Error::Forked));
        }
        let shared = &self.shared;
        let mut state = lock(&shared.state);
        loop {
            if state.stopped || state.head == shared.tasks {
                return None;
            }
            if let Some(slot) = state.slots.front_mut() {
                if let Some((item, bytes)) = slot.items.pop_front() {
                    state.bytes -= bytes;
                    state.stopped = item.is_err();
                    shared.changed.notify_all();
                    return Some(item);
                }
                if slot.finished {
                    state.slots.pop_front();
                    state.head += 1;
                    shared.changed.notify_all();
                    continue;
                }
            }
            if memory::stopped() != self.stopped_before {
                state.stopped = true;
                return Some(Err(Error::MemoryLost));
            }
            state = wait_for(&shared.changed, state, threads::LOOK);
        }
    }
}

impl<T: Send + 'static> Drop for Ordered<T> {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            self.shared.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(tasks: usize, budget: usize, threads: usize) -> Vec<usize> {
        Ordered::run(threads, tasks, budget, |task, out| {
            for part in 0..3 {
                out.send(task * 3 + part, 10)?;
            }
            Ok(())
        })
        .map(|item| item.expect("no task fails"))
        .collect()
    }

    #[test]
    fn items_come_in_order_for_any_budget_and_number_of_threads() {
        for (budget, threads) in [(0, 1), (0, 4), (25, 2), (1_000_000, 3)] {
            assert_eq!(run(50, budget, threads), (0..150).collect::<Vec<_>>());
        }
        assert!(run(0, 0, 2).is_empty());
    }

    #[test]
    fn the_first_error_in_order_ends_the_iteration() {
        let mut items = Ordered::run(4, 20, 100, |task, out| {
            if task >= 5 {
                return Err(Error::Argument(format!("task {task}")));
            }
            out.send(task, 1)
        });
        for task in 0..5 {
            assert_eq!(items.next().expect("an item").expect("no error"), task);
        }
        let error = items.next().expect("an item").expect_err("task 5 fails");
        assert_eq!(error.to_string(), "task 5");
        assert!(items.next().is_none());
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let mut items: Ordered<()> = Ordered::run(2, 1, 0, |_, _| panic!("boom"));
        let error = items.next().expect("an item").expect_err("it panicked");
        assert!(error.to_string().contains("boom"), "{error}");
    }
}
