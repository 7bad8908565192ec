//! Headers with keys made here.
