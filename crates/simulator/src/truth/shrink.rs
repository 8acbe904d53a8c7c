//! Smaller lives.

use super::life::Life;

impl Life {
    /// Lives with fewer deeds, the smallest first: halves, quarters ... left out, then single deeds.
    pub fn smaller(&self) -> Vec<Self> {
        let count = self.deeds.len();
        let mut size = count.div_ceil(2);
        let mut smaller = Vec::new();
        while size > 0 {
            for start in (0..count).step_by(size) {
                let mut life = self.clone();
                life.deeds.drain(start..count.min(start + size));
                smaller.push(life);
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
        smaller
    }
}
