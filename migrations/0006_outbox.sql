-- The digest of the card that a message shows, so that what has not changed for whoever reads it is not sent again.
alter table message add column shown text;
