//! The one integration binary: everything that needs more than one room, or the outside.

mod deploy;
