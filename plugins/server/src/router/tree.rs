//! Patterns as a tree of segments. A walk takes the literal child first, then the parameter, then the rest, and turns back
//! when a branch does not have the method; each node is visited at most once, so a path cannot make it slow.

use std::ops::Range;

use super::{Captures, Found, METHODS, Methods, PARAMETERS_MAX, decode};

/// A route by method.
type Ends = [Option<usize>; METHODS.len()];

#[derive(Debug, Default)]
struct Node {
    /// Sorted by text.
    literals: Vec<(String, usize)>,
    parameter: Option<usize>,
    ends: Ends,
    rest: Ends,
}

/// Why a pattern is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Pattern(&'static str),
    /// The route at this position answers the same requests.
    Taken(usize),
}

#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }
}

/// A walk for one request.
struct Walk<'a> {
    tree: &'a Tree,
    path: &'a str,
    method: Option<usize>,
    captures: Captures,
    allowed: Methods,
}

impl Tree {
    /// Takes a pattern in; answers the names of its parameters.
    pub(super) fn insert(&mut self, method: usize, pattern: &str, route: usize) -> Result<Vec<String>, Refused> {
        let rest = pattern
            .strip_prefix('/')
            .ok_or(Refused::Pattern("the path does not begin with `/`"))?;
        let segments: Vec<&str> = if rest.is_empty() {
            Vec::new()
        } else {
            rest.split('/').collect()
        };
        let (mut node, mut names, mut ends_in_rest) = (0, Vec::new(), false);
        for (index, segment) in segments.iter().enumerate() {
            match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
                Some(inner) => {
                    ends_in_rest = inner.starts_with('*');
                    if ends_in_rest && index + 1 != segments.len() {
                        return Err(Refused::Pattern("what takes all that follows has to be last"));
                    }
                    names.push(inner.trim_start_matches('*').to_owned());
                    if !ends_in_rest {
                        node = self.parameter(node);
                    }
                }
                None => node = self.literal(node, segment),
            }
        }
        if names.len() > PARAMETERS_MAX {
            return Err(Refused::Pattern("the path has more than 8 parameters"));
        }
        let ends = if ends_in_rest {
            &mut self.nodes[node].rest
        } else {
            &mut self.nodes[node].ends
        };
        match ends[method] {
            Some(taken) => Err(Refused::Taken(taken)),
            None => {
                ends[method] = Some(route);
                Ok(names)
            }
        }
    }

    fn push(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    fn parameter(&mut self, node: usize) -> usize {
        if let Some(child) = self.nodes[node].parameter {
            return child;
        }
        let child = self.push();
        self.nodes[node].parameter = Some(child);
        child
    }

    fn literal(&mut self, node: usize, segment: &str) -> usize {
        match self.nodes[node].find(segment) {
            Ok(child) => child,
            Err(at) => {
                let child = self.push();
                self.nodes[node].literals.insert(at, (segment.to_owned(), child));
                child
            }
        }
    }

    /// Finds a route; the path was checked.
    pub(super) fn find(&self, method: Option<usize>, path: &str) -> Found {
        let mut walk = Walk {
            tree: self,
            path,
            method,
            captures: Captures::default(),
            allowed: Methods::default(),
        };
        match walk.step(0, 1) {
            Some(route) => Found::Route(route, walk.captures),
            None if walk.allowed != Methods::default() => Found::Methods(walk.allowed),
            None => Found::Nothing,
        }
    }
}

impl Node {
    fn find(&self, segment: &str) -> Result<usize, usize> {
        self.literals
            .binary_search_by(|(text, _)| text.as_str().cmp(segment))
            .map(|at| self.literals[at].1)
    }
}

impl<'a> Walk<'a> {
    /// Goes on at `node` with the path from `at`, which is behind a slash or beyond the end.
    fn step(&mut self, node: usize, at: usize) -> Option<usize> {
        let (tree, path): (&'a Tree, &'a str) = (self.tree, self.path);
        let node = &tree.nodes[node];
        let left = path.get(at..).unwrap_or_default();
        let beyond = at > path.len();
        // A slash at the end changes nothing, except that a rest may be empty behind it.
        if beyond || left.is_empty() {
            if !beyond && let Some(route) = self.rest(node, at..path.len()) {
                return Some(route);
            }
            return self.end(&node.ends);
        }
        let end = left.find('/').map_or(path.len(), |slash| at + slash);
        let segment = &path[at..end];
        // An escape in a literal is legal, only rare.
        let literal = decode(segment).and_then(|decoded| node.find(&decoded).ok());
        if let Some(route) = literal.and_then(|child| self.step(child, end + 1)) {
            return Some(route);
        }
        if let Some(child) = node.parameter {
            let before = self.captures.count;
            self.captures.push(at..end);
            if let Some(route) = self.step(child, end + 1) {
                return Some(route);
            }
            self.captures.count = before;
        }
        self.rest(node, at..path.len())
    }

    fn rest(&mut self, node: &Node, range: Range<usize>) -> Option<usize> {
        let route = self.end(&node.rest)?;
        self.captures.push(range);
        Some(route)
    }

    /// The route for the method, or a note of the methods that are there.
    fn end(&mut self, ends: &Ends) -> Option<usize> {
        let own = self.method.and_then(|method| ends[method]);
        // HEAD is GET without a body.
        let route = own.or_else(|| (self.method == Some(1)).then_some(ends[0]).flatten());
        if route.is_none() {
            for (index, _) in ends.iter().enumerate().filter(|(_, end)| end.is_some()) {
                self.allowed.add(Methods::of(index));
            }
        }
        route
    }
}
