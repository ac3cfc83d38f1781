//! The same with the allocator of the worker's binary, which overwrites whatever is freed.

use zeroizing_alloc::ZeroAlloc;

mod throughput;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

fn main() {
    throughput::main();
}
