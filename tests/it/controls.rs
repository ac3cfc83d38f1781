//! Which resource meets which control, and is it really there?
