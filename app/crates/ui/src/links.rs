//! Which presses of a link the application takes itself, and which it leaves to the browser.

/// Below the base, files rather than pages.
const FILES: &str = "/assets/";

/// A press of a link, as the browser tells it.
#[derive(Clone, Copy, Debug)]
pub struct LinkPress<'a> {
    /// The main button, alone: with Ctrl, Shift, Alt or Meta, or another button, the reader wants a window or a file.
    pub plain: bool,
    /// The link leads to the origin of the page.
    pub same_origin: bool,
    /// The link names a window, or saves a file.
    pub elsewhere: bool,
    /// `HTMLAnchorElement.pathname`.
    pub path: &'a str,
    /// `HTMLAnchorElement.hash`: a place within a page.
    pub hash: &'a str,
}

/// Whether the press leads to a page of the application at `base`, so that no page need be loaded.
pub fn stays_inside(base: &str, press: LinkPress<'_>) -> bool {
    let below = press.path.strip_prefix(base);
    let is_page = below.is_some_and(|below| {
        (below.is_empty() || below.starts_with('/')) && !below.starts_with(FILES)
    });
    press.plain && press.same_origin && !press.elsewhere && press.hash.is_empty() && is_page
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: LinkPress<'_> = LinkPress {
        plain: true,
        same_origin: true,
        elsewhere: false,
        path: "/MyCallPilot/inbox",
        hash: "",
    };

    #[test]
    fn a_plain_press_of_a_link_to_a_page_stays_inside() {
        assert!(stays_inside("/MyCallPilot", INSIDE));
        let start = LinkPress {
            path: "/MyCallPilot",
            ..INSIDE
        };
        assert!(stays_inside("/MyCallPilot", start));
    }

    #[test]
    fn another_window_a_file_another_site_and_a_place_in_the_page_are_the_browsers() {
        let with_key = LinkPress {
            plain: false,
            ..INSIDE
        };
        let foreign = LinkPress {
            same_origin: false,
            ..INSIDE
        };
        let saved = LinkPress {
            elsewhere: true,
            ..INSIDE
        };
        let place = LinkPress {
            hash: "#main",
            ..INSIDE
        };
        for press in [with_key, foreign, saved, place] {
            assert!(!stays_inside("/MyCallPilot", press), "{press:?}");
        }
        for path in [
            "/MyCallPilot/assets/icon.svg",
            "/MyCallPilots",
            "/api/openapi.json",
        ] {
            let press = LinkPress { path, ..INSIDE };
            assert!(!stays_inside("/MyCallPilot", press), "{path}");
        }
    }
}
