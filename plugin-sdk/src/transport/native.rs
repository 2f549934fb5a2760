//! The transport of a native program.
