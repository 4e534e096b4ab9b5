//! Trees of rows that name their parent: units, committees.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Rows by id, each below at most one other.
///
/// Rows and children stand in the order in which they were given. A row whose parent was not given is a root. Rows that
/// lie on a cycle belong to no root; every walk ends all the same.
#[derive(Debug, Clone)]
pub struct Forest<I> {
    parents: HashMap<I, I>,
    children: HashMap<I, Vec<I>>,
    roots: Vec<I>,
}

impl<I: Copy + Eq + Hash> Forest<I> {
    /// The forest of these ids and their parents.
    pub fn new(links: impl IntoIterator<Item = (I, Option<I>)>) -> Self {
        let links: Vec<(I, Option<I>)> = links.into_iter().collect();
        let ids: HashSet<I> = links.iter().map(|(id, _)| *id).collect();
        let mut forest = Self { parents: HashMap::new(), children: HashMap::new(), roots: Vec::new() };
        for (id, parent) in links {
            match parent.filter(|parent| ids.contains(parent)) {
                Some(parent) => {
                    forest.parents.insert(id, parent);
                    forest.children.entry(parent).or_default().push(id);
                }
                None => forest.roots.push(id),
            }
        }
        forest
    }

    /// The same rows without those that `is_there` refuses: what stood below them moves up to the nearest row above
    /// that stays.
    pub fn of_those(links: &[(I, Option<I>)], is_there: impl Fn(I) -> bool) -> Self {
        let all = Self::new(links.iter().copied());
        let nearest = |id| all.ancestors(id).find(|above| is_there(*above));
        Self::new(links.iter().filter(|(id, _)| is_there(*id)).map(|(id, _)| (*id, nearest(*id))))
    }

    /// The rows at the top.
    pub fn roots(&self) -> &[I] {
        &self.roots
    }

    /// The row right above.
    pub fn parent(&self, id: I) -> Option<I> {
        self.parents.get(&id).copied()
    }

    /// The rows right below.
    pub fn children(&self, id: I) -> &[I] {
        self.children.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The rows above, the nearest first. A walk around a cycle ends at some point.
    pub fn ancestors(&self, id: I) -> impl Iterator<Item = I> + '_ {
        let mut steps = self.parents.len();
        std::iter::successors(self.parent(id), move |above| {
            steps = steps.checked_sub(1)?;
            self.parent(*above)
        })
    }

    /// How many rows stand above.
    pub fn depth(&self, id: I) -> usize {
        self.ancestors(id).count()
    }

    /// The row itself and all below it, each after the one right above it.
    pub fn subtree(&self, id: I) -> Vec<I> {
        self.walk(vec![id])
    }

    /// Every row below a root, each before the one right above it.
    pub fn bottom_up(&self) -> Vec<I> {
        let mut ids = self.walk(self.roots.clone());
        ids.reverse();
        ids
    }

    fn walk(&self, mut found: Vec<I>) -> Vec<I> {
        let mut seen: HashSet<I> = found.iter().copied().collect();
        let mut next = 0;
        while let Some(id) = found.get(next).copied() {
            found.extend(self.children(id).iter().filter(|child| seen.insert(**child)));
            next += 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```text
    /// 1 ─ 2 ─ 4
    ///   ╰ 3
    /// 5
    /// ```
    const LINKS: [(u8, Option<u8>); 5] = [(1, None), (2, Some(1)), (3, Some(1)), (4, Some(2)), (5, Some(99))];

    #[test]
    fn rows_know_what_is_above_and_below_them() {
        let forest = Forest::new(LINKS);
        assert_eq!(forest.roots(), [1, 5], "5 names a parent that is not there");
        assert_eq!((forest.children(1), forest.children(4)), (&[2, 3][..], &[][..]));
        assert_eq!(forest.ancestors(4).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((forest.depth(1), forest.depth(4)), (0, 2));
        assert_eq!(forest.subtree(1), [1, 2, 3, 4]);
        assert_eq!(forest.bottom_up(), [4, 3, 2, 5, 1]);
    }

    #[test]
    fn what_stood_below_a_row_that_is_left_out_moves_up() {
        let forest = Forest::of_those(&LINKS, |id| id != 2);
        assert_eq!((forest.children(1), forest.parent(4)), (&[3, 4][..], Some(1)));
        let forest = Forest::of_those(&LINKS, |id| id > 2);
        assert_eq!(forest.roots(), [3, 4, 5]);
    }

    #[test]
    fn walks_around_a_cycle_end() {
        let forest = Forest::new([(1, Some(2)), (2, Some(3)), (3, Some(1)), (4, Some(1))]);
        assert_eq!(forest.subtree(2), [2, 1, 3, 4]);
        assert!(forest.ancestors(4).count() <= 5 && forest.roots().is_empty() && forest.bottom_up().is_empty());
    }
}
