//! A compressed body that inflates on another core while it is read.

use std::io::{self, Read};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use flate2::bufread::ZlibDecoder;

/// How much is inflated at a time, in bytes.
const PIECE: usize = 1 << 16;
/// How many pieces may wait to be read.
const WAITING: usize = 8;

/// Reads what a zlib stream inflates to.
///
/// Half of the time that a dictionary takes to load goes into inflating it, so that is done on
/// a thread of its own where there is a core for it.
pub(super) fn read<T>(stream: &[u8], read: impl FnOnce(&mut Inflated<'_>) -> T) -> T {
    let inline = || Inflated::Here(ZlibDecoder::new(stream));
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if cores == 1 {
        return read(&mut inline());
    }
    thread::scope(|scope| {
        let (sender, pieces) = sync_channel(WAITING);
        let inflating = thread::Builder::new().spawn_scoped(scope, move || send(stream, &sender));
        match inflating {
            Ok(_) => read(&mut Inflated::Elsewhere(Pieces {
                coming: pieces,
                piece: Vec::new(),
                at: 0,
            })),
            Err(_) => read(&mut inline()),
        }
    })
}

/// Sends pieces up to the end or an error, or until nobody waits for them any more.
fn send(stream: &[u8], sender: &SyncSender<io::Result<Vec<u8>>>) {
    let mut decoder = ZlibDecoder::new(stream);
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = decoder.by_ref().take(PIECE as u64).read_to_end(&mut piece);
        let is_last = !matches!(read, Ok(length) if length > 0);
        if sender.send(read.map(|_| piece)).is_err() || is_last {
            return;
        }
    }
}

/// What a stream inflates to, by this thread or by another.
pub(super) enum Inflated<'s> {
    Here(ZlibDecoder<&'s [u8]>),
    Elsewhere(Pieces),
}

/// The pieces that come from the other thread, the last of them empty or an error.
pub(super) struct Pieces {
    coming: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Inflated<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Here(decoder) => decoder.read(into),
            Self::Elsewhere(pieces) => {
                if pieces.at == pieces.piece.len() {
                    pieces.piece = pieces.coming.recv().unwrap_or_else(|_| Ok(Vec::new()))?;
                    pieces.at = 0;
                }
                let read = (&pieces.piece[pieces.at..]).read(into)?;
                pieces.at += read;
                Ok(read)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_whole_and_damage_is_told() {
        let body: Vec<u8> = (0..3 * PIECE)
            .map(|at| u8::try_from(at * at % 251).unwrap())
            .collect();
        let stream = miniz_oxide::deflate::compress_to_vec_zlib(&body, 6);
        let whole = |stream: &[u8]| {
            let mut found = Vec::new();
            let read = read(stream, |body| body.read_to_end(&mut found));
            read.map(|_| found)
        };
        assert_eq!(whole(&stream).unwrap(), body);
        assert!(whole(&stream[..stream.len() / 2]).is_err());
        let mut damaged = stream.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(whole(&damaged).is_err(), "the checksum is of another body");
    }

    #[test]
    fn who_stops_reading_stops_the_other_thread() {
        let stream = miniz_oxide::deflate::compress_to_vec_zlib(&vec![7; 64 * PIECE], 6);
        let mut first = [0];
        read(&stream, |body| body.read_exact(&mut first)).unwrap();
        assert_eq!(first, [7]);
    }
}
