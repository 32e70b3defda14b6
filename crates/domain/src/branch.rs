//! Branches: which messages of a conversation are in view, in which order, and where the thread forks.
//!
//! Messages form a tree by `parent_id`. No parent means "after the message before it in time", so what clients write who
//! know nothing of branches is one line. An explicit start of the thread is [`MessageId::ROOT`]. Trees come from imports
//! and other clients and may be broken: a parent that is missing counts as none, a cycle is cut.

use crate::MessageId;
use std::collections::HashMap;

/// What placing needs to know of a message.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    pub id: MessageId,
    pub parent: Option<MessageId>,
    /// Not shown unless asked for.
    pub hidden: bool,
    pub deleted: bool,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Placed {
    /// On the branch in view: the number of the shown message (1, 2, …) and 0; or, when it is hidden, the number of the
    /// shown message before it and 1, 2, …
    pub view: Option<(i64, i64)>,
    /// Where it has shown siblings: the shown message that all of them answer.
    pub fork: Option<Fork>,
}

/// The message whose answers fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fork {
    /// The thread itself has several beginnings.
    Start,
    /// The place in the given order of the message that has several answers.
    At(usize),
}

/// Places every message. `nodes` stand in order of (created_at, id); `current` is the message that the branch in view
/// goes through, the newest message when it is None or unknown. From `current` the view goes on along the newest answers.
pub fn place(nodes: &[Node], current: Option<MessageId>) -> Vec<Placed> {
    let parents = parents(nodes);
    let mut placed = vec![Placed::default(); nodes.len()];
    for (position, step) in path(nodes, &parents, current) {
        placed[position].view = Some(step);
    }
    mark_forks(nodes, &parents, &mut placed);
    placed
}

/// Whether every parent stands before its children. Then a message that comes last continues the view or begins a branch,
/// and moves nothing that is placed already; otherwise it may be what an earlier one was waiting for.
pub fn is_plain(nodes: &[Node]) -> bool {
    let places: HashMap<MessageId, usize> = nodes.iter().enumerate().map(|(i, node)| (node.id, i)).collect();
    nodes.iter().enumerate().all(|(i, node)| match node.parent {
        None | Some(MessageId::ROOT) => true,
        Some(parent) => places.get(&parent).is_some_and(|place| *place < i),
    })
}

/// The effective parent of each message, cycles cut.
fn parents(nodes: &[Node]) -> Vec<Option<usize>> {
    let places: HashMap<MessageId, usize> = nodes.iter().enumerate().map(|(i, node)| (node.id, i)).collect();
    let mut parents: Vec<Option<usize>> = nodes
        .iter()
        .enumerate()
        .map(|(i, node)| match node.parent {
            Some(MessageId::ROOT) => None,
            Some(parent) => match places.get(&parent) {
                Some(&place) if place != i => Some(place),
                _ => i.checked_sub(1),
            },
            None => i.checked_sub(1),
        })
        .collect();
    // 0: not seen, 1: on the walk at hand, 2: known to reach a start.
    let mut seen = vec![0u8; nodes.len()];
    for start in 0..nodes.len() {
        let mut walk = Vec::new();
        let mut at = Some(start);
        while let Some(i) = at {
            if seen[i] == 2 {
                break;
            }
            if seen[i] == 1 {
                // The walk has come back to itself: its last step is the one that closes the circle.
                if let Some(&last) = walk.last() {
                    parents[last] = None;
                }
                break;
            }
            seen[i] = 1;
            walk.push(i);
            at = parents[i];
        }
        for i in walk {
            seen[i] = 2;
        }
    }
    parents
}

fn path(nodes: &[Node], parents: &[Option<usize>], current: Option<MessageId>) -> Vec<(usize, (i64, i64))> {
    let mut newest_answer: Vec<Option<usize>> = vec![None; nodes.len()];
    for (i, parent) in parents.iter().enumerate() {
        // A deleted message still leads on to what was said after it.
        if let Some(parent) = *parent {
            let better = newest_answer[parent].is_none_or(|old| nodes[old].deleted || !nodes[i].deleted);
            if better {
                newest_answer[parent] = Some(i);
            }
        }
    }
    let through = current.and_then(|id| nodes.iter().position(|node| node.id == id));
    let Some(mut leaf) = through.or_else(|| nodes.iter().rposition(|node| !node.deleted)) else {
        return Vec::new();
    };
    if through.is_some() {
        while let Some(next) = newest_answer[leaf] {
            leaf = next;
        }
    }
    let mut line = Vec::new();
    let mut at = Some(leaf);
    while let Some(i) = at {
        if !nodes[i].deleted {
            line.push(i);
        }
        at = parents[i];
    }
    line.reverse();
    let (mut shown, mut hidden) = (0, 0);
    line.into_iter()
        .map(|i| {
            if nodes[i].hidden {
                hidden += 1;
            } else {
                (shown, hidden) = (shown + 1, 0);
            }
            (i, (shown, hidden))
        })
        .collect()
}

fn mark_forks(nodes: &[Node], parents: &[Option<usize>], placed: &mut [Placed]) {
    // The nearest ancestor that is shown; a memo keeps long lines linear.
    let mut nearest: Vec<Option<Fork>> = vec![None; nodes.len()];
    let is_shown = |i: usize| !nodes[i].hidden && !nodes[i].deleted;
    for start in 0..nodes.len() {
        let mut walk = Vec::new();
        let mut at = start;
        let found = loop {
            if let Some(known) = nearest[at] {
                break known;
            }
            walk.push(at);
            match parents[at] {
                None => break Fork::Start,
                Some(parent) if is_shown(parent) => break Fork::At(parent),
                Some(parent) => at = parent,
            }
        };
        for i in walk {
            nearest[i] = Some(found);
        }
    }
    let mut answers: HashMap<Fork, u32> = HashMap::new();
    for i in (0..nodes.len()).filter(|&i| is_shown(i)) {
        *answers.entry(nearest[i].unwrap_or(Fork::Start)).or_default() += 1;
    }
    for i in (0..nodes.len()).filter(|&i| is_shown(i)) {
        placed[i].fork = nearest[i].filter(|fork| answers[fork] > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> MessageId {
        MessageId(Uuid::from_u128(n))
    }

    fn node(n: u128, parent: Option<u128>) -> Node {
        Node { id: id(n), parent: parent.map(id), hidden: false, deleted: false }
    }

    fn view(nodes: &[Node], current: Option<u128>) -> Vec<u128> {
        let placed = place(nodes, current.map(id));
        let mut line: Vec<_> =
            placed.iter().zip(nodes).filter_map(|(p, n)| p.view.map(|v| (v, n.id.0.as_u128()))).collect();
        line.sort();
        line.into_iter().map(|(_, n)| n).collect()
    }

    #[test]
    fn plain_is_what_stands_in_order() {
        assert!(is_plain(&[node(1, None), node(2, Some(1)), node(3, Some(1))]));
        assert!(!is_plain(&[node(1, None), node(2, Some(3)), node(3, Some(1))]), "a parent after its child");
        assert!(!is_plain(&[node(1, None), node(2, Some(9))]), "a parent that is missing");
    }

    #[test]
    fn without_parents_all_stand_in_one_line() {
        let nodes: Vec<_> = (1..=5).map(|n| node(n, None)).collect();
        assert_eq!(view(&nodes, None), [1, 2, 3, 4, 5]);
        assert!(place(&nodes, None).iter().all(|p| p.fork.is_none()));
    }

    #[test]
    fn the_view_goes_through_the_current_message_and_on_along_the_newest() {
        // 1 → 2 → 3, and 2' (4) → 5 → 6 as another answer to 1
        let nodes =
            [node(1, None), node(2, Some(1)), node(3, Some(2)), node(4, Some(1)), node(5, Some(4)), node(6, Some(5))];
        assert_eq!(view(&nodes, None), [1, 4, 5, 6]);
        assert_eq!(view(&nodes, Some(2)), [1, 2, 3]);
        assert_eq!(view(&nodes, Some(4)), [1, 4, 5, 6]);
        let placed = place(&nodes, None);
        assert_eq!(placed[1].fork, Some(Fork::At(0)));
        assert_eq!(placed[3].fork, Some(Fork::At(0)));
        assert_eq!(placed[2].fork, None);
    }

    #[test]
    fn several_beginnings_fork_at_the_start() {
        let nodes = [node(1, Some(0)), node(2, Some(1)), node(3, Some(0)), node(4, Some(3))];
        assert_eq!(view(&nodes, Some(1)), [1, 2]);
        assert_eq!(view(&nodes, None), [3, 4]);
        assert_eq!(place(&nodes, None)[2].fork, Some(Fork::Start));
    }

    #[test]
    fn hidden_steps_take_no_number_and_forks_are_told_on_what_is_shown() {
        // 1 → (2 hidden) → 3 and 1 → 4: the answers 3 and 4 are siblings
        let mut nodes = [node(1, None), node(2, Some(1)), node(3, Some(2)), node(4, Some(1))];
        nodes[1].hidden = true;
        let placed = place(&nodes, Some(id(3)));
        assert_eq!(placed[1].view, Some((1, 1)));
        assert_eq!(placed[2].view, Some((2, 0)));
        assert_eq!((placed[2].fork, placed[3].fork, placed[1].fork), (Some(Fork::At(0)), Some(Fork::At(0)), None));
    }

    #[test]
    fn a_deleted_message_leaves_the_view_and_its_answers_stay() {
        let mut nodes = [node(1, None), node(2, Some(1)), node(3, Some(2))];
        nodes[1].deleted = true;
        assert_eq!(view(&nodes, None), [1, 3]);
        assert_eq!(view(&nodes, Some(2)), [1, 3]);
        nodes[2].deleted = true;
        assert_eq!(view(&nodes, None), [1]);
    }

    #[test]
    fn broken_trees_end() {
        let nodes = [node(1, Some(3)), node(2, Some(1)), node(3, Some(2)), node(4, Some(4)), node(5, Some(99))];
        let seen = view(&nodes, None);
        assert!(seen.contains(&5) && seen.contains(&4));
        assert!(!view(&nodes, Some(2)).is_empty());
        assert!(place(&[], None).is_empty());
    }

    #[test]
    fn a_line_of_a_hundred_thousand_is_quick() {
        let nodes: Vec<_> = (1..=100_000).map(|n| node(n, (n > 1).then(|| n - 1))).collect();
        assert_eq!(place(&nodes, None)[99_999].view, Some((100_000, 0)));
    }
}
