//! The pool's order, replacement and refusals.
