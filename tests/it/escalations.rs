//! A human by exception: who is asked, with what, who takes it, and what whoever waits sees of it.

mod clock;
mod deal;
mod declined;
mod opened;
mod stage;
mod toil;
mod uncertain;
