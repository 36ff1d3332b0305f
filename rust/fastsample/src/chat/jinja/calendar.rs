//! `strftime_now` on one fixed day: the tokens of a row may not depend on the clock.

/// The day, a Friday: the one that templates of Llama fall back to. Midnight.
const DAY: &str = "26 Jul 2024";

/// The function: directives of Python's `strftime` for [`DAY`].
pub(super) fn strftime_now(format: &str) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), format);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let mut characters = after.chars();
        let mut directive = characters.next();
        // `%-d` is `%d` without its zero.
        let bare = directive == Some('-');
        if bare {
            directive = characters.next();
        }
        let found = match directive {
            Some('a') => "Fri",
            Some('A') => "Friday",
            Some('b' | 'h') => "Jul",
            Some('B') => "July",
            Some('c') => "Fri Jul 26 00:00:00 2024",
            Some('d' | 'e') => "26",
            Some('D' | 'x') => "07/26/24",
            Some('F') => "2024-07-26",
            Some('G' | 'Y') => "2024",
            Some('H' | 'M' | 'S') => "00",
            Some('I') => "12",
            Some('j') => "208",
            Some('m') => "07",
            Some('n') => "\n",
            Some('p') => "AM",
            Some('R') => "00:00",
            Some('T' | 'X') => "00:00:00",
            Some('u' | 'w') => "5",
            Some('y') => "24",
            Some('f') => "000000",
            Some('z' | 'Z') => "",
            Some('%') => "%",
            _ => {
                let what = format!(
                    "strftime_now({format:?}) has a directive that is not known; the date is \
                     always {DAY}, so that results don't depend on the clock"
                );
                return Err(what);
            }
        };
        out.push_str(match found {
            "00" if bare => "0",
            found if bare => found.trim_start_matches('0'),
            found => found,
        });
        rest = characters.as_str();
    }
    out.push_str(rest);
    Ok(out)
}
