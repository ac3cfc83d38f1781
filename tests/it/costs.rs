//! What is there in each environment, and what does it cost?
