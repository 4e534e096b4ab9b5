//! Places for texts amid the lines: where one stands, no line and no other text does.

use super::look::Place;

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Its left edge.
    pub left: f64,
    /// Its upper edge.
    pub top: f64,
    /// Its right edge.
    pub right: f64,
    /// Its lower edge.
    pub bottom: f64,
}

/// What is taken already.
#[derive(Debug, Default)]
pub struct Taken {
    lines: Vec<(Place, Place)>,
    areas: Vec<Area>,
}

impl Taken {
    /// A piece of a line goes there.
    pub fn line(&mut self, from: Place, to: Place) {
        self.lines.push((from, to));
    }

    /// A text or a mark stands there.
    pub fn area(&mut self, area: Area) {
        self.areas.push(area);
    }

    /// Whether nothing is there.
    pub fn leaves(&self, area: Area) -> bool {
        self.areas.iter().all(|taken| !taken.meets(area)) && self.lines.iter().all(|(from, to)| !area.cut(*from, *to))
    }
}

impl Area {
    /// The square around a place.
    pub fn around(place: Place, reach: f64) -> Self {
        let Place { x, y } = place;
        Self { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }
    }

    /// Whether this one lies within the other.
    pub fn is_within(self, other: Self) -> bool {
        self.left >= other.left && self.right <= other.right && self.top >= other.top && self.bottom <= other.bottom
    }

    fn meets(self, other: Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    /// Whether a piece of a line goes through it: what is left of the piece is cut off at one edge after the other.
    fn cut(self, from: Place, to: Place) -> bool {
        let (mut start, mut end) = (0.0_f64, 1.0_f64);
        for (first, last, low, high) in [(from.x, to.x, self.left, self.right), (from.y, to.y, self.top, self.bottom)] {
            let way = last - first;
            if way == 0.0 {
                if first <= low || first >= high {
                    return false;
                }
            } else {
                let (one, other) = ((low - first) / way, (high - first) / way);
                start = start.max(one.min(other));
                end = end.min(one.max(other));
            }
        }
        start < end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 10.0, top: 10.0, right: 30.0, bottom: 20.0 };

    #[test]
    fn a_line_takes_what_it_crosses() {
        let crosses = |x: f64, y: f64, to_x: f64, to_y: f64| {
            let mut taken = Taken::default();
            taken.line(Place { x, y }, Place { x: to_x, y: to_y });
            !taken.leaves(AREA)
        };
        assert!(crosses(0.0, 15.0, 40.0, 15.0) && crosses(40.0, 15.0, 0.0, 15.0));
        assert!(crosses(0.0, 0.0, 40.0, 30.0) && crosses(15.0, 12.0, 16.0, 13.0) && crosses(20.0, 0.0, 20.0, 40.0));
        assert!(crosses(20.0, 15.0, 20.0, 15.0));
        assert!(!crosses(0.0, 5.0, 40.0, 5.0) && !crosses(0.0, 15.0, 9.0, 15.0) && !crosses(0.0, 20.0, 40.0, 20.0));
        assert!(!crosses(0.0, 10.0, 10.0, 0.0) && !crosses(0.0, 25.0, 25.0, 45.0) && !crosses(5.0, 5.0, 5.0, 5.0));
    }

    #[test]
    fn an_area_takes_what_it_covers() {
        let mut taken = Taken::default();
        assert!(taken.leaves(AREA));
        taken.area(Area { left: 30.0, ..AREA });
        assert!(taken.leaves(AREA));
        taken.area(Area::around(Place { x: 9.0, y: 9.0 }, 2.0));
        assert!(!taken.leaves(AREA));
        assert!(AREA.is_within(AREA) && !AREA.is_within(Area { left: 11.0, ..AREA }));
    }
}
