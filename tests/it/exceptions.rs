//! Humans by exception, as people live through it: the same stories on every platform and over every transport.

mod ahead;
mod approving;
mod helping;
mod people;
mod scene;
