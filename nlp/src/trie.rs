//! Phrases as sequences of word numbers, found longest first.

use crate::table::Table;

/// A word's number in a vocabulary; zero is a word that no phrase holds.
pub type WordId = u32;

/// A set of phrases, each with a value, in one flat array.
///
/// Nodes are numbered breadth first, so the children of a node stand next to each other
/// in the order of their labels, and a child's number needs no storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trie {
    /// The nodes, the root first, and one closing entry.
    nodes: Table<Node>,
    /// The child of the root for each word, or zero.
    roots: Vec<u32>,
    /// A bit for each word that begins a phrase, which most words of a note do not. All
    /// tries are asked at every word, and their bits stay near where their roots would not.
    beginnings: Vec<u64>,
}

/// What a step of a search looks at, side by side in memory: the numbers below.
type Node = [u32; 4];

/// The word that leads to a node; none leads to the root.
const LABEL: usize = 0;
/// The first child; the last one stands before the first child of the next node.
const FIRST_CHILD: usize = 1;
/// The value of the phrase that ends at a node, plus one; zero where none ends.
const VALUE: usize = 2;
/// Of each child's label the bit that [`bit`] gives: most words that follow a phrase's
/// beginning lead nowhere, and this tells so without a look at the children.
const CHILDREN: usize = 3;

/// One of 32 bits for a word.
fn bit(word: WordId) -> u32 {
    1 << (word % 32)
}

/// A phrase found at the front of a sequence of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// How many words it takes.
    pub words: usize,
    /// Its value.
    pub value: u32,
}

/// A phrase found with words passed over inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passing {
    /// The phrase, and how many words it takes with those passed over.
    pub(crate) found: Found,
    /// How many were passed over.
    pub(crate) passed: usize,
}

/// Up to so many children are looked through one by one.
const FEW: usize = 8;

/// How many words a phrase may be found across.
pub(crate) const MOST_PASSED: usize = 3;

/// The nodes of a trie that is being read, in the order of their numbers.
///
/// Labels are kept as their distances from those of the sibling before. Until it is assembled,
/// a node's first child holds the place of how many children there are.
pub(crate) struct TrieNodes {
    nodes: Table<Node>,
    read: usize,
}

impl TrieNodes {
    /// Room for so many nodes.
    pub(crate) fn of_length(length: usize) -> Self {
        Self {
            // One more closes them.
            nodes: Table::zeroed(length + 1),
            read: 0,
        }
    }

    /// Adds nodes with these labels, numbers of children, and values plus one, as far as there is
    /// room for them.
    pub(crate) fn extend(&mut self, labels: &[WordId], child_counts: &[u32], values: &[u32]) {
        let rows = labels.iter().zip(child_counts).zip(values);
        for (node, ((label, count), value)) in self.nodes[self.read..].iter_mut().zip(rows) {
            *node = [*label, *count, *value, 0];
        }
        self.read += labels.len();
    }

    /// The trie of these nodes, if they are one and no label is larger.
    pub(crate) fn assemble(mut self, largest: WordId) -> Option<Trie> {
        let (closing, nodes) = self.nodes.split_last_mut()?;
        let mut next: u32 = 1;
        for at in 0..nodes.len() {
            let count = std::mem::replace(&mut nodes[at][FIRST_CHILD], next);
            if count == 0 {
                continue;
            }
            let first = next;
            next = next.checked_add(count)?;
            let (mut label, mut children): (WordId, u32) = (0, 0);
            for child in nodes.get_mut(first as usize..next as usize)? {
                label = label.checked_add(child[LABEL])?;
                child[LABEL] = label;
                children |= bit(label);
            }
            if label > largest {
                return None;
            }
            nodes[at][CHILDREN] = children;
        }
        if self.read != nodes.len() || next as usize != nodes.len() {
            return None;
        }
        closing[FIRST_CHILD] = next;
        let top =
            nodes[0][FIRST_CHILD] as usize..nodes.get(1).unwrap_or(closing)[FIRST_CHILD] as usize;
        let words = nodes[top.clone()].last().map_or(0, |last| last[LABEL]);
        let mut roots = vec![0; words as usize + 1];
        let mut beginnings = vec![0; words as usize / 64 + 1];
        for (child, number) in nodes[top].iter().zip(1..) {
            let word = child[LABEL];
            roots[word as usize] = number;
            beginnings[word as usize / 64] |= 1 << (word % 64);
        }
        Some(Trie {
            nodes: self.nodes,
            roots,
            beginnings,
        })
    }
}

impl Default for Trie {
    fn default() -> Self {
        Self::new([])
    }
}

impl Trie {
    /// The trie of `phrases`; of two equal phrases the first one given counts.
    ///
    /// Values must stay below `u32::MAX`, and empty phrases are left out.
    pub fn new(phrases: impl IntoIterator<Item = (Vec<WordId>, u32)>) -> Self {
        let mut phrases: Vec<_> = phrases
            .into_iter()
            .filter(|(words, _)| !words.is_empty())
            .collect();
        phrases.sort_by(|left, right| left.0.cmp(&right.0));
        phrases.dedup_by(|later, earlier| later.0 == earlier.0);
        let mut labels = vec![0];
        let mut counts = Vec::new();
        let mut values = Vec::new();
        // A node is the run of sorted phrases that share its path.
        let mut queue = std::collections::VecDeque::from([(0, phrases.len(), 0_usize)]);
        while let Some((mut from, to, depth)) = queue.pop_front() {
            let ends_here = from < to && phrases[from].0.len() == depth;
            values.push(if ends_here { phrases[from].1 + 1 } else { 0 });
            from += usize::from(ends_here);
            let mut children = 0;
            while from < to {
                let label = phrases[from].0[depth];
                let run = phrases[from..to].partition_point(|(words, _)| words[depth] == label);
                labels.push(label);
                queue.push_back((from, from + run, depth + 1));
                children += 1;
                from += run;
            }
            counts.push(children);
        }
        let mut first = 1;
        for count in &counts {
            let mut before = 0;
            for label in &mut labels[first..first + *count as usize] {
                (before, *label) = (*label, *label - before);
            }
            first += *count as usize;
        }
        let mut nodes = TrieNodes::of_length(labels.len());
        nodes.extend(&labels, &counts, &values);
        nodes
            .assemble(WordId::MAX)
            .expect("the nodes were laid out as a trie just now")
    }

    /// Whether a phrase may begin with a word, given as its number and an alternative.
    pub(crate) fn may_begin(&self, (word, otherwise): (WordId, WordId)) -> bool {
        let begins = |word: WordId| {
            let bits = self.beginnings.get(word as usize / 64);
            bits.is_some_and(|bits| bits >> (word % 64) & 1 != 0)
        };
        begins(word) || otherwise != 0 && begins(otherwise)
    }

    /// The longest phrase that the words begin with.
    ///
    /// Each word is given as its number and an alternative, tried in that order
    /// (an abbreviation, then the same letters as an ordinary word).
    pub fn longest(&self, words: impl IntoIterator<Item = (WordId, WordId)>) -> Option<Found> {
        let mut found = None;
        self.each(words, |phrase| found = Some(phrase));
        found
    }

    /// Shows every phrase that the words begin with, the shortest first.
    pub(crate) fn each(
        &self,
        words: impl IntoIterator<Item = (WordId, WordId)>,
        mut see: impl FnMut(Found),
    ) {
        let paths = self.paths();
        let mut node = 0;
        for (at, word) in words.into_iter().enumerate() {
            node = match paths.child_of(node, word) {
                Some(child) => child,
                None => return,
            };
            if let Some(value) = paths.value(node) {
                see(Found {
                    words: at + 1,
                    value,
                });
            }
        }
    }

    /// Shows every phrase that the words begin with when words that pass may stand inside it.
    ///
    /// `word` gives the word at a place and its alternative, or none past the end; `may_stand`
    /// says whether the one at a place may be passed over. At most
    /// [`MOST_PASSED`] words are passed over, none at either end, so the work stays bounded.
    pub(crate) fn each_passing(
        &self,
        word: impl Fn(usize) -> Option<(WordId, WordId)> + Copy,
        may_stand: impl Fn(usize) -> bool + Copy,
        see: &mut impl FnMut(Passing),
    ) {
        let Some(first) = word(0) else {
            return;
        };
        let paths = self.paths();
        let Some(node) = paths.child_of(0, first) else {
            return;
        };
        paths.walk(node, 1, 0, word, may_stand, see);
    }

    /// The number of nodes, the root included.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Whether it holds no phrase.
    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    /// Every phrase with its value, in no order that a caller may rely on.
    pub fn phrases(&self) -> impl Iterator<Item = (Vec<WordId>, u32)> + '_ {
        let paths = self.paths();
        let mut open = vec![(0_u32, Vec::new())];
        std::iter::from_fn(move || {
            while let Some((node, words)) = open.pop() {
                for child in paths.children(node) {
                    let mut longer = words.clone();
                    longer.push(paths.nodes[child][LABEL]);
                    open.push((u32::try_from(child).unwrap_or(0), longer));
                }
                if let Some(value) = paths.value(node) {
                    return Some((words, value));
                }
            }
            None
        })
    }

    fn nodes(&self) -> &[Node] {
        &self.nodes[..self.len()]
    }

    /// The word that leads to each node.
    #[cfg(any(feature = "build", test))]
    pub(crate) fn labels(&self) -> impl Iterator<Item = WordId> + '_ {
        self.nodes().iter().map(|node| node[LABEL])
    }

    /// The value at each node, plus one.
    pub(crate) fn values(&self) -> impl Iterator<Item = u32> + '_ {
        self.nodes().iter().map(|node| node[VALUE])
    }

    #[cfg(any(feature = "build", test))]
    pub(crate) fn child_counts(&self) -> impl Iterator<Item = u32> + '_ {
        let pairs = self.nodes.windows(2);
        pairs.map(|pair| pair[1][FIRST_CHILD] - pair[0][FIRST_CHILD])
    }

    /// Where searches go; looked up once for each, since the table is told apart by its length.
    fn paths(&self) -> Paths<'_> {
        Paths {
            nodes: &self.nodes,
            roots: &self.roots,
        }
    }
}

/// The nodes of a trie during a search.
#[derive(Clone, Copy)]
struct Paths<'t> {
    nodes: &'t [Node],
    roots: &'t [u32],
}

impl Paths<'_> {
    fn value(self, node: u32) -> Option<u32> {
        self.nodes[node as usize][VALUE].checked_sub(1)
    }

    fn walk(
        self,
        mut node: u32,
        mut at: usize,
        mut passed: usize,
        word: impl Fn(usize) -> Option<(WordId, WordId)> + Copy,
        may_stand: impl Fn(usize) -> bool + Copy,
        see: &mut impl FnMut(Passing),
    ) {
        let mut is_new = true;
        loop {
            if let Some(value) = self.value(node).filter(|_| is_new) {
                see(Passing {
                    found: Found { words: at, value },
                    passed,
                });
            }
            let Some(next) = word(at) else { return };
            let may_pass = passed < MOST_PASSED && self.has_children(node) && may_stand(at);
            match self.child_of(node, next) {
                Some(child) => {
                    if may_pass {
                        self.walk_past(node, at, passed, word, may_stand, see);
                    }
                    node = child;
                    is_new = true;
                }
                None if may_pass => {
                    passed += 1;
                    is_new = false;
                }
                None => return,
            }
            at += 1;
        }
    }

    /// Goes on past the word at `at` though a phrase could take it.
    fn walk_past(
        self,
        node: u32,
        at: usize,
        passed: usize,
        word: impl Fn(usize) -> Option<(WordId, WordId)> + Copy,
        may_stand: impl Fn(usize) -> bool + Copy,
        see: &mut impl FnMut(Passing),
    ) {
        let after = word(at + 1).and_then(|next| self.child_of(node, next));
        if let Some(after) = after {
            self.walk(after, at + 2, passed + 1, word, may_stand, see);
        }
    }

    fn child_of(self, node: u32, (word, otherwise): (WordId, WordId)) -> Option<u32> {
        self.child(node, word)
            .or_else(|| self.child(node, otherwise))
    }

    fn has_children(self, node: u32) -> bool {
        !self.children(node).is_empty()
    }

    fn child(self, node: u32, word: WordId) -> Option<u32> {
        if word == 0 {
            return None;
        }
        if node == 0 {
            return self
                .roots
                .get(word as usize)
                .copied()
                .filter(|child| *child != 0);
        }
        if self.nodes[node as usize][CHILDREN] & bit(word) == 0 {
            return None;
        }
        let children = self.children(node);
        let first = children.start;
        let children = &self.nodes[children];
        let at = if children.len() <= FEW {
            children.iter().position(|child| child[LABEL] == word)?
        } else {
            let found = children.binary_search_by_key(&word, |child| child[LABEL]);
            found.ok()?
        };
        u32::try_from(first + at).ok()
    }

    fn children(self, node: u32) -> std::ops::Range<usize> {
        let node = node as usize;
        self.nodes[node][FIRST_CHILD] as usize..self.nodes[node + 1][FIRST_CHILD] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(words: &[WordId]) -> Vec<(WordId, WordId)> {
        words.iter().map(|word| (*word, 0)).collect()
    }

    #[test]
    fn the_longest_phrase_wins() {
        let trie = Trie::new([(vec![1], 7), (vec![1, 2, 3], 8), (vec![4], 9), (vec![1], 1)]);
        assert_eq!(
            trie.longest(plain(&[1, 2, 3, 4])),
            Some(Found { words: 3, value: 8 })
        );
        assert_eq!(
            trie.longest(plain(&[1, 2, 4])),
            Some(Found { words: 1, value: 7 })
        );
        assert_eq!(trie.longest(plain(&[2, 1])), None);
        assert_eq!(trie.longest(plain(&[0])), None);
        assert_eq!(trie.longest([(5, 4)]), Some(Found { words: 1, value: 9 }));
    }

    #[test]
    fn words_that_pass_may_stand_inside_a_phrase_and_not_at_its_ends() {
        let trie = Trie::new([(vec![1, 2, 3], 7), (vec![1, 2, 9, 4], 8)]);
        let longest = |words: &'static [WordId]| {
            let mut found = Vec::new();
            trie.each_passing(
                |at| words.get(at).map(|word| (*word, 0)),
                |at| words[at] >= 8,
                &mut |passing| {
                    found.push((passing.found.words, passing.found.value, passing.passed));
                },
            );
            found
        };
        assert_eq!(longest(&[1, 2, 3]), [(3, 7, 0)]);
        assert_eq!(longest(&[1, 8, 2, 8, 8, 3, 8]), [(6, 7, 3)]);
        assert_eq!(longest(&[1, 8, 2, 8, 8, 8, 3]), []);
        assert_eq!(
            longest(&[1, 2, 9, 3]),
            [(4, 7, 1)],
            "9 also leads to another phrase"
        );
        assert_eq!(longest(&[8, 1, 2, 3]), []);
    }

    #[test]
    fn no_phrases_make_a_trie_that_finds_nothing() {
        assert_eq!(Trie::new([]).longest(plain(&[1, 2])), None);
    }
}
