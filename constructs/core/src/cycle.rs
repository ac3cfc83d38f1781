//! Cycles in a graph.

use std::collections::VecDeque;

/// Returns one shortest cycle for each group of nodes that reach each other.
///
/// `edges[n]` lists the nodes that node `n` needs. Each cycle begins with its
/// smallest node. Takes time in proportion to nodes and edges.
pub(crate) fn cycles(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let groups = groups(edges);
    let mut first_of_group = vec![usize::MAX; edges.len()];
    let mut sizes = vec![0; edges.len()];
    for (node, &group) in groups.iter().enumerate() {
        first_of_group[group] = first_of_group[group].min(node);
        sizes[group] += 1;
    }
    let mut previous = vec![usize::MAX; edges.len()];
    let mut cycles: Vec<_> = (0..edges.len())
        .filter(|&group| {
            let first = first_of_group[group];
            sizes[group] > 1 || (sizes[group] == 1 && edges[first].contains(&first))
        })
        .map(|group| shortest_cycle(edges, &groups, first_of_group[group], &mut previous))
        .collect();
    cycles.sort_unstable();
    cycles
}

/// Searches breadth first from `start`, within its group, for the way back to it.
fn shortest_cycle(
    edges: &[Vec<usize>],
    groups: &[usize],
    start: usize,
    previous: &mut [usize],
) -> Vec<usize> {
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for &next in &edges[node] {
            if next == start {
                let mut cycle = vec![node];
                while cycle[cycle.len() - 1] != start {
                    cycle.push(previous[cycle[cycle.len() - 1]]);
                }
                cycle.reverse();
                return cycle;
            }
            if groups[next] == groups[start] && previous[next] == usize::MAX {
                previous[next] = node;
                queue.push_back(next);
            }
        }
    }
    vec![start]
}

/// Numbers the strongly connected group of each node: Tarjan's algorithm.
///
/// It keeps its own stack of calls, since a long chain would overflow the thread's.
fn groups(edges: &[Vec<usize>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let mut group = vec![UNSEEN; edges.len()];
    let mut order = vec![UNSEEN; edges.len()];
    let mut low = vec![UNSEEN; edges.len()];
    let (mut seen, mut count) = (0, 0);
    let mut open = Vec::new();
    for root in 0..edges.len() {
        if order[root] != UNSEEN {
            continue;
        }
        let mut calls = vec![(root, 0)];
        while let Some((node, edge)) = calls.pop() {
            if edge == 0 {
                order[node] = seen;
                low[node] = seen;
                seen += 1;
                open.push(node);
            } else {
                let child = edges[node][edge - 1];
                if group[child] == UNSEEN {
                    low[node] = low[node].min(low[child]);
                }
            }
            if let Some(&next) = edges[node].get(edge) {
                calls.push((node, edge + 1));
                if order[next] == UNSEEN {
                    calls.push((next, 0));
                }
                continue;
            }
            if low[node] == order[node] {
                while let Some(member) = open.pop() {
                    group[member] = count;
                    if member == node {
                        break;
                    }
                }
                count += 1;
            }
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_group_gives_its_shortest_cycle() {
        // 0 → 1 → 2 → 0 with a shortcut 1 → 0; 3 needs itself; 4 → 0 is no cycle.
        let edges = vec![vec![1], vec![2, 0], vec![0], vec![3], vec![0]];
        assert_eq!(cycles(&edges), [vec![0, 1], vec![3]]);
    }

    #[test]
    fn a_long_chain_neither_overflows_nor_has_a_cycle() {
        let mut edges: Vec<Vec<usize>> = (1..100_000).map(|next| vec![next]).collect();
        edges.push(Vec::new());
        assert!(cycles(&edges).is_empty());
        edges[99_999].push(0);
        assert_eq!(cycles(&edges)[0].len(), 100_000);
    }

    /// Removes what needs nothing until only cycles, and what needs them, are left.
    fn has_cycle(edges: &[Vec<usize>]) -> bool {
        let mut left: Vec<usize> = (0..edges.len()).collect();
        loop {
            let before = left.len();
            let kept = left.clone();
            left.retain(|&node| edges[node].iter().any(|next| kept.contains(next)));
            if left.len() == before {
                return !left.is_empty();
            }
        }
    }

    proptest! {
        #[test]
        fn a_cycle_is_found_exactly_if_there_is_one(
            edges in prop::collection::vec(prop::collection::vec(0_usize..8, 0..3), 8)
        ) {
            let found = cycles(&edges);
            prop_assert_eq!(!found.is_empty(), has_cycle(&edges));
            for cycle in found {
                for (index, node) in cycle.iter().enumerate() {
                    let next = cycle[(index + 1) % cycle.len()];
                    prop_assert!(edges[*node].contains(&next));
                }
            }
        }
    }
}
