//! How often and after which waits a failed step is tried again.

use std::time::Duration;

/// Waits between attempts. The number of waits is the number of further attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Waits before a single step (one table, one index) is tried again over fresh connections.
    pub step_waits: Vec<Duration>,
    /// Waits before a single step is tried again that other sessions were in the way of: a server that answers.
    pub contended_waits: Vec<Duration>,
    /// Waits before a database is opened anew, when its steps no longer succeed.
    pub round_waits: Vec<Duration>,
}

impl Default for RetryPolicy {
    /// Steps outlast a lock or a dropped connection (21 s); rounds outlast a managed server's
    /// failover, which takes one to two minutes (220 s). A server that is away for longer needs
    /// somebody's eyes; the ledger keeps what is done.
    fn default() -> RetryPolicy {
        let seconds = |list: &[u64]| list.iter().copied().map(Duration::from_secs).collect();
        RetryPolicy {
            step_waits: seconds(&[1, 5, 15]),
            contended_waits: seconds(&[1, 5, 15]),
            round_waits: seconds(&[10, 30, 60, 120]),
        }
    }
}

impl RetryPolicy {
    /// As the default, but gives up on a server that stays away for longer than this: after the last wait that fits in.
    pub fn within(patience: Duration) -> RetryPolicy {
        let fitting = |waits: Vec<Duration>| {
            let mut sum = Duration::ZERO;
            let fits = |wait: &Duration| {
                sum += *wait;
                sum <= patience
            };
            waits.into_iter().take_while(fits).collect()
        };
        let RetryPolicy { step_waits, contended_waits, round_waits } = RetryPolicy::default();
        RetryPolicy {
            step_waits: fitting(step_waits),
            contended_waits,
            round_waits: fitting(round_waits),
        }
    }

    /// Every failure is final.
    pub fn never() -> RetryPolicy {
        let (step_waits, contended_waits, round_waits) = (Vec::new(), Vec::new(), Vec::new());
        RetryPolicy { step_waits, contended_waits, round_waits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_that_do_not_fit_are_left_out() {
        let none = RetryPolicy {
            contended_waits: RetryPolicy::default().contended_waits,
            ..RetryPolicy::never()
        };
        assert_eq!(RetryPolicy::within(Duration::ZERO), none);
        assert_eq!(RetryPolicy::within(Duration::from_secs(600)), RetryPolicy::default());
        let some = RetryPolicy::within(Duration::from_secs(12));
        assert_eq!(some.step_waits, [1, 5].map(Duration::from_secs));
        assert_eq!(some.round_waits, [10].map(Duration::from_secs));
    }
}
