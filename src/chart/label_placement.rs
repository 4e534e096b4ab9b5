//! Finds room for labels in a plot: where one stands, there is no line, mark or other label.

/// A position, in px.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

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

/// What is occupied already.
#[derive(Debug, Default)]
pub struct Occupied {
    lines: Vec<(Position, Position)>,
    areas: Vec<Area>,
}

impl Occupied {
    /// Adds a piece of a line.
    pub fn add_line(&mut self, from: Position, to: Position) {
        self.lines.push((from, to));
    }

    /// Adds a text or a mark.
    pub fn add_area(&mut self, area: Area) {
        self.areas.push(area);
    }

    /// Whether nothing is in an area.
    pub fn is_free(&self, area: Area) -> bool {
        self.areas.iter().all(|occupied| !occupied.overlaps(area))
            && self.lines.iter().all(|(from, to)| !area.is_crossed(*from, *to))
    }
}

impl Area {
    /// The square around a position.
    pub fn around(position: Position, reach: f64) -> Self {
        let Position { x, y } = position;
        Self { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }
    }

    /// Whether this one lies within the other.
    pub fn is_within(self, other: Self) -> bool {
        self.left >= other.left && self.right <= other.right && self.top >= other.top && self.bottom <= other.bottom
    }

    fn overlaps(self, other: Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    /// Whether a piece of a line goes through it (Liang–Barsky: the piece is clipped at one edge after the other).
    fn is_crossed(self, from: Position, to: Position) -> bool {
        let (mut start, mut end) = (0.0_f64, 1.0_f64);
        for (first, last, low, high) in [(from.x, to.x, self.left, self.right), (from.y, to.y, self.top, self.bottom)] {
            let length = last - first;
            if length == 0.0 {
                if first <= low || first >= high {
                    return false;
                }
            } else {
                let (one, other) = ((low - first) / length, (high - first) / length);
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
    fn a_line_occupies_what_it_crosses() {
        let crosses = |x: f64, y: f64, to_x: f64, to_y: f64| {
            let mut occupied = Occupied::default();
            occupied.add_line(Position { x, y }, Position { x: to_x, y: to_y });
            !occupied.is_free(AREA)
        };
        assert!(crosses(0.0, 15.0, 40.0, 15.0) && crosses(40.0, 15.0, 0.0, 15.0));
        assert!(crosses(0.0, 0.0, 40.0, 30.0) && crosses(15.0, 12.0, 16.0, 13.0) && crosses(20.0, 0.0, 20.0, 40.0));
        assert!(crosses(20.0, 15.0, 20.0, 15.0));
        assert!(!crosses(0.0, 5.0, 40.0, 5.0) && !crosses(0.0, 15.0, 9.0, 15.0) && !crosses(0.0, 20.0, 40.0, 20.0));
        assert!(!crosses(0.0, 10.0, 10.0, 0.0) && !crosses(0.0, 25.0, 25.0, 45.0) && !crosses(5.0, 5.0, 5.0, 5.0));
    }

    #[test]
    fn an_area_occupies_what_it_covers() {
        let mut occupied = Occupied::default();
        assert!(occupied.is_free(AREA));
        occupied.add_area(Area { left: 30.0, ..AREA });
        assert!(occupied.is_free(AREA));
        occupied.add_area(Area::around(Position { x: 9.0, y: 9.0 }, 2.0));
        assert!(!occupied.is_free(AREA));
        assert!(AREA.is_within(AREA) && !AREA.is_within(Area { left: 11.0, ..AREA }));
    }
}
