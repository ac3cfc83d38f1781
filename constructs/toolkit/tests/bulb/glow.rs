fn main() {
    panic!("{} lumen is dark", itoa::Buffer::new().format(7));
}
