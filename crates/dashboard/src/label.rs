//! What is written below an axis: it stands under its mark, and within the picture.

/// Half as wide as the widest there is, in units of the picture, as phones show it.
const REACH: f64 = 42.0;

/// A text below an axis.
pub(crate) struct Label {
    pub(crate) x: String,
    /// Which part of the text stands at `x`: its `start`, `middle` or `end`.
    pub(crate) anchor: &'static str,
    pub(crate) text: String,
}

impl Label {
    /// One whose mark is at `x` of a picture from 0 to `width`.
    pub(crate) fn under(x: f64, width: f64, text: String) -> Self {
        let (x, anchor) = if x < REACH {
            (0.0, "start")
        } else if x > width - REACH {
            (width, "end")
        } else {
            (x, "middle")
        };
        Self {
            x: format!("{x:.1}"),
            anchor,
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn no_label_is_cut_off_at_an_end() {
        for (x, shown, anchor) in [
            (3.0, "0.0", "start"),
            (350.0, "350.0", "middle"),
            (690.0, "700.0", "end"),
        ] {
            let label = Label::under(x, 700.0, "05 Nov".into());
            assert_eq!((label.x.as_str(), label.anchor), (shown, anchor));
        }
    }
}
