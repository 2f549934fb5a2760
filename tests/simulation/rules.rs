//! Each rule of the protocol, turned off, is noticed.
