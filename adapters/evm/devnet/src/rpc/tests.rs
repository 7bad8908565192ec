//! The envelope against malformed requests.
