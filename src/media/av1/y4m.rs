//! Raw frames from a pipe (YUV4MPEG2), 8 or 10 bits, 4:2:0: what our own mezzanine decodes to.

use std::io::{BufRead, BufReader, Read};

/// Why a stream of raw frames cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Y4mTrouble {
    /// Not what was expected.
    #[error("raw frames: {0}")]
    Format(&'static str),
    /// The pipe broke.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads frames one after the other.
#[derive(Debug)]
pub struct Y4mReader<R: Read> {
    input: BufReader<R>,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Whether a sample has ten bits in two bytes, the lower one first; else it has one byte.
    pub deep: bool,
    frame: Vec<u8>,
}

impl<R: Read> Y4mReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is no YUV4MPEG2 stream of 8 or 10 bits and 4:2:0.
    pub fn open(input: R) -> Result<Self, Y4mTrouble> {
        let mut input = BufReader::with_capacity(1 << 20, input);
        let header = line(&mut input)?.ok_or(Y4mTrouble::Format("nothing came"))?;
        let mut words = header.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(Y4mTrouble::Format("no header"));
        }
        let (mut width, mut height, mut deep) = (0_usize, 0_usize, false);
        for word in words {
            match word.split_at_checked(1) {
                Some(("W", n)) => width = n.parse().unwrap_or(0),
                Some(("H", n)) => height = n.parse().unwrap_or(0),
                Some(("C", "420p10")) => deep = true,
                Some(("C", c)) if !["420", "420jpeg", "420mpeg2", "420paldv"].contains(&c) => {
                    return Err(Y4mTrouble::Format("neither 8 nor 10 bits of 4:2:0"));
                }
                _ => {}
            }
        }
        if !(1..=65_536).contains(&width) || !(1..=65_536).contains(&height) {
            return Err(Y4mTrouble::Format("no size"));
        }
        let chroma = width.div_ceil(2) * height.div_ceil(2);
        let bytes = if deep { 2 } else { 1 };
        Ok(Self { input, width, height, deep, frame: vec![0; (width * height + 2 * chroma) * bytes] })
    }

    /// The planes Y, U and V of the next frame; `None` at the end.
    ///
    /// # Errors
    /// If the stream ends inside a frame or is not in step.
    pub fn next_frame(&mut self) -> Result<Option<[&[u8]; 3]>, Y4mTrouble> {
        let Some(head) = line(&mut self.input)? else { return Ok(None) };
        if !head.starts_with("FRAME") {
            return Err(Y4mTrouble::Format("out of step"));
        }
        self.input.read_exact(&mut self.frame)?;
        let luma = self.width * self.height * if self.deep { 2 } else { 1 };
        let chroma = (self.frame.len() - luma) / 2;
        let (y, rest) = self.frame.split_at(luma);
        let (u, v) = rest.split_at(chroma);
        Ok(Some([y, u, v]))
    }
}

fn line(input: &mut impl BufRead) -> Result<Option<String>, Y4mTrouble> {
    let mut bytes = vec![];
    input.take(512).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(Y4mTrouble::Format("line without end"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| Y4mTrouble::Format("header is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_and_a_cut_is_noticed() {
        let mut stream = b"YUV4MPEG2 W4 H2 F24:1 Ip A1:1 C420jpeg\nFRAME\n".to_vec();
        stream.extend((0..12).collect::<Vec<u8>>());
        let mut reader = Y4mReader::open(stream.as_slice()).unwrap();
        assert_eq!((reader.width, reader.height), (4, 2));
        let planes = reader.next_frame().unwrap().unwrap();
        assert_eq!((planes[0].len(), planes[1], planes[2]), (8, [8, 9].as_slice(), [10, 11].as_slice()));
        assert!(reader.next_frame().unwrap().is_none());
        stream.truncate(stream.len() - 1);
        let mut reader = Y4mReader::open(stream.as_slice()).unwrap();
        assert!(reader.next_frame().is_err());
        assert!(Y4mReader::open(b"YUV4MPEG2 W4 H2 C422\n".as_slice()).is_err());
        assert!(Y4mReader::open(b"YUV4MPEG2 W4 H2 C420p12\n".as_slice()).is_err());
        let deep = [b"YUV4MPEG2 W4 H2 C420p10 XYSCSS=420P10\nFRAME\n".as_slice(), &[3; 24]].concat();
        let mut reader = Y4mReader::open(deep.as_slice()).unwrap();
        assert!(reader.deep);
        assert_eq!(reader.next_frame().unwrap().unwrap().map(<[u8]>::len), [16, 4, 4]);
        assert!(Y4mReader::open(b"".as_slice()).is_err());
    }
}
