//! SPDX licence expressions: whether one of the ways to take a package is allowed. Knows no licence by itself.

/// Whether `expression` can be satisfied with licences that `allow` says yes to; each is asked with its exception, as in
/// `Apache-2.0 WITH LLVM-exception`. `/` stands for `OR`, as older packages write it.
///
/// # Errors
/// What was expected and not found.
pub(super) fn allowed(expression: &str, allow: impl Fn(&str) -> bool) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words {
        left: spaced.split_whitespace().collect(),
        allow,
    };
    // They are taken from the end.
    words.left.reverse();
    let answer = words.any()?;
    match words.left.last() {
        None => Ok(answer),
        Some(word) => Err(format!("`{word}` was not expected")),
    }
}

struct Words<'a, F> {
    left: Vec<&'a str>,
    allow: F,
}

impl<'a, F: Fn(&str) -> bool> Words<'a, F> {
    fn take(&mut self, word: &str) -> bool {
        let is_next = self.left.last() == Some(&word);
        if is_next {
            self.left.pop();
        }
        is_next
    }

    /// `a OR b`
    fn any(&mut self) -> Result<bool, String> {
        let mut answer = self.all()?;
        while self.take("OR") {
            answer |= self.all()?;
        }
        Ok(answer)
    }

    /// `a AND b`, which binds closer.
    fn all(&mut self) -> Result<bool, String> {
        let mut answer = self.one()?;
        while self.take("AND") {
            answer &= self.one()?;
        }
        Ok(answer)
    }

    /// One licence with its exception, or an expression in brackets.
    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let answer = self.any()?;
            return if self.take(")") {
                Ok(answer)
            } else {
                Err("`)` is missing".to_owned())
            };
        }
        let name = self.name()?;
        if self.take("WITH") {
            let exception = self.name()?;
            return Ok((self.allow)(&format!("{name} WITH {exception}")));
        }
        Ok((self.allow)(name))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        match self.left.pop() {
            None => Err("it ends before a licence".to_owned()),
            Some(word @ ("OR" | "AND" | "WITH" | "(" | ")")) => Err(format!("`{word}` stands where a licence should")),
            Some(word) => Ok(word),
        }
    }
}
