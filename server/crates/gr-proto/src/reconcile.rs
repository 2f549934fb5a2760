//! Putting right what has come apart: recovery of a server that went back in time, the tasks of administrators and the nightly audit,
//! what was damaged at rest, and the house-keeping that goes on in the background.

pub(crate) mod admin;
pub(crate) mod background;
pub(crate) mod diff;
pub(crate) mod fetch;
pub(crate) mod messages;
pub(crate) mod open_request;
pub(crate) mod recovery;
pub(crate) mod removal;
pub(crate) mod repair;
pub(crate) mod requests;
pub(crate) mod responses;
pub(crate) mod scan;
pub(crate) mod task;
pub(crate) mod task_run;
pub(crate) mod verdict;
