//! Statement blocks: `if (c) { return a; } else return b;`, `let x = 1; x += 2; return x;`.
//!
//! A block is lowered into one expression. A variable becomes a `Let` for each assignment; after an `if` without `return` each
//! variable that it assigns becomes a choice between both outcomes; an `if` with `return` takes the rest of the block into the
//! branches that go on. There are no loops.

use crate::error::{ErrorKind, Fault};
use crate::lexer::Token;
use crate::node::ArithmeticOperator;
use crate::syntax::{Syntax, SyntaxKind};

use super::{Parser, branch};

const STATEMENTS_MAX: usize = 500;

#[derive(Clone, Debug)]
enum Statement {
    Return(Syntax),
    /// The operator of `x += 1`; the flag says whether the variable is new.
    Assign {
        name: Box<str>,
        value: Syntax,
        operator: Option<ArithmeticOperator>,
        declared: bool,
        offset: u32,
    },
    If {
        condition: Syntax,
        then: Vec<Statement>,
        otherwise: Vec<Statement>,
        offset: u32,
    },
}

impl Parser<'_> {
    pub(super) fn begins_statement(&self) -> bool {
        match self.word() {
            Some("return") => !matches!(self.peek_at(1), Token::Symbol(".") | Token::End),
            Some("let" | "const" | "var") => self.word_at(1).is_some(),
            Some("if") => self.after_brackets().is_some_and(|after| {
                matches!(self.tokens[after].0, Token::Symbol("{") | Token::Word("return" | "if"))
                    || matches!(
                        (&self.tokens[after].0, &self.tokens[after + 1].0),
                        (Token::Word(_), Token::Symbol("=" | "+=" | "-=" | "*=" | "/="))
                    )
            }),
            _ => false,
        }
    }

    /// The index of the token after the brackets that follow the current word.
    fn after_brackets(&self) -> Option<usize> {
        let mut depth = 0_usize;
        for (index, (token, _)) in self.tokens.iter().enumerate().skip(self.at + 1) {
            match token {
                Token::Symbol("(") => depth += 1,
                Token::Symbol(")") => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                // Only the bracket itself may open the run; the last token is `End`, so `index + 1` exists.
                return (matches!(token, Token::Symbol(")")) && index + 2 < self.tokens.len()).then_some(index + 1);
            }
        }
        None
    }

    pub(super) fn program(&mut self) -> Result<Syntax, Fault> {
        let mut statements = Vec::new();
        while !matches!(self.peek(), Token::End) {
            statements.push(self.statement()?);
        }
        let end = self.offset();
        self.lower(&statements, end)
    }

    fn statement(&mut self) -> Result<Statement, Fault> {
        let offset = self.offset();
        let statement = match self.word() {
            Some("return") => {
                self.at += 1;
                let nothing = self.is_symbol(";") || self.is_symbol("}") || matches!(self.peek(), Token::End);
                Statement::Return(if nothing {
                    Syntax::null(offset)
                } else {
                    self.expression()?
                })
            }
            Some("if") => {
                self.at += 1;
                self.expect("(", "after if")?;
                let condition = self.expression()?;
                self.expect(")", "after the condition")?;
                let then = self.nested(Self::block)?;
                let otherwise = if self.eat_word("else") {
                    self.nested(Self::block)?
                } else {
                    Vec::new()
                };
                return Ok(Statement::If {
                    condition,
                    then,
                    otherwise,
                    offset,
                });
            }
            Some("let" | "const" | "var") => {
                self.at += 1;
                self.assignment(true)?
            }
            Some(_) => self.assignment(false)?,
            None => {
                return Err(
                    Fault::syntax(offset, format!("expected a statement, found {}", self.shown()))
                        .hint("a block is made of let, assignments, if and return"),
                );
            }
        };
        if !self.eat(";") && self.is_symbol(",") {
            return Err(Fault::syntax(self.offset(), "one statement declares one variable").hint("begin another `let`"));
        }
        while self.eat(";") {}
        Ok(statement)
    }

    fn block(&mut self) -> Result<Vec<Statement>, Fault> {
        if !self.eat("{") {
            return Ok(vec![self.statement()?]);
        }
        let mut statements = Vec::new();
        while !self.eat("}") {
            if matches!(self.peek(), Token::End) {
                return Err(Fault::syntax(self.offset(), "this block is not closed").hint("end it with `}`"));
            }
            statements.push(self.statement()?);
        }
        while self.eat(";") {}
        Ok(statements)
    }

    fn assignment(&mut self, declared: bool) -> Result<Statement, Fault> {
        let offset = self.offset();
        let Some(name) = self.word() else {
            return Err(Fault::syntax(
                offset,
                format!("expected the name of a variable, found {}", self.shown()),
            ));
        };
        self.at += 1;
        let operator = match self.peek() {
            Token::Symbol("=") => None,
            Token::Symbol("+=") if !declared => Some(ArithmeticOperator::Add),
            Token::Symbol("-=") if !declared => Some(ArithmeticOperator::Subtract),
            Token::Symbol("*=") if !declared => Some(ArithmeticOperator::Multiply),
            Token::Symbol("/=") if !declared => Some(ArithmeticOperator::Divide),
            _ if declared => {
                return Ok(Statement::Assign {
                    name: name.into(),
                    value: Syntax::null(offset),
                    operator: None,
                    declared,
                    offset,
                });
            }
            _ => {
                return Err(Fault::syntax(offset, format!("`{name}` begins no statement"))
                    .hint("put `return` before the result"));
            }
        };
        self.at += 1;
        Ok(Statement::Assign {
            name: name.into(),
            value: self.expression()?,
            operator,
            declared,
            offset,
        })
    }

    /// The value of running the statements one after the other; null if none returns.
    fn lower(&mut self, statements: &[Statement], end: u32) -> Result<Syntax, Fault> {
        self.statements += 1;
        if self.statements > STATEMENTS_MAX {
            return Err(Fault::new(
                ErrorKind::LimitExceeded,
                end,
                "the block has too many paths through its branches",
            )
            .hint("return from the branches, or split it into several formula fields"));
        }
        let Some((first, rest)) = statements.split_first() else {
            return Ok(Syntax::null(end));
        };
        match first {
            Statement::Return(value) => Ok(value.clone()),
            Statement::Assign {
                name,
                value,
                operator,
                declared,
                offset,
            } => {
                let value = match operator {
                    None => value.clone(),
                    Some(operator) => {
                        let old = Syntax::new(SyntaxKind::Path(vec![name.clone()]), *offset)?;
                        Syntax::new(
                            SyntaxKind::Arithmetic(*operator, Box::new(old), Box::new(value.clone())),
                            *offset,
                        )?
                    }
                };
                let body = self.lower(rest, end)?;
                bind(name, value, body, *offset, *declared)
            }
            Statement::If {
                condition,
                then,
                otherwise,
                offset,
            } => {
                if !returns(then) && !returns(otherwise) {
                    return self.lower_choice(first, rest, end);
                }
                self.lower_branches(condition, [then, otherwise], rest, *offset, end)
            }
        }
    }

    /// Both branches, each followed by the rest of the block unless it returns for certain.
    fn lower_branches(
        &mut self,
        condition: &Syntax,
        branches: [&Vec<Statement>; 2],
        rest: &[Statement],
        offset: u32,
        end: u32,
    ) -> Result<Syntax, Fault> {
        let mut outcome = |statements: &[Statement]| {
            if always_returns(statements) {
                return self.lower(statements, end);
            }
            // Inside the rest the name would mean the variable of the branch.
            let inner = statements.iter().find_map(|statement| match statement {
                Statement::Assign {
                    name,
                    declared: true,
                    offset,
                    ..
                } => Some((name, *offset)),
                _ => None,
            });
            if let Some((name, offset)) = inner {
                return Err(Fault::syntax(offset, format!("`{name}` is declared inside a branch"))
                    .hint("declare it before the `if`"));
            }
            self.lower(&[statements, rest].concat(), end)
        };
        let (then, otherwise) = (outcome(branches[0])?, outcome(branches[1])?);
        branch(condition.clone(), then, otherwise, offset)
    }

    /// An `if` that only assigns: each variable takes the value from the branch that ran.
    fn lower_choice(&mut self, choice: &Statement, rest: &[Statement], end: u32) -> Result<Syntax, Fault> {
        let Statement::If {
            condition,
            then,
            otherwise,
            offset,
        } = choice
        else {
            return self.lower(rest, end);
        };
        let mut names = Vec::new();
        assigned(then, &mut names);
        assigned(otherwise, &mut names);
        if names.len() > 1 {
            // Two variables would need the condition twice, after one of them has changed: let each branch run to the end.
            return self.lower_branches(condition, [then, otherwise], rest, *offset, end);
        }
        let Some(name) = names.pop() else {
            return self.lower(rest, end);
        };
        let mut outcome = |statements: &[Statement]| {
            let value = Syntax::new(SyntaxKind::Path(vec![name.clone()]), *offset)?;
            self.lower(&[statements, &[Statement::Return(value)]].concat(), end)
        };
        let (then, otherwise) = (outcome(then)?, outcome(otherwise)?);
        let value = branch(condition.clone(), then, otherwise, *offset)?;
        let body = self.lower(rest, end)?;
        bind(&name, value, body, *offset, false)
    }
}

fn bind(name: &str, value: Syntax, body: Syntax, offset: u32, declared: bool) -> Result<Syntax, Fault> {
    Syntax::new(
        SyntaxKind::Let {
            name: name.into(),
            value: Box::new(value),
            body: Box::new(body),
            declared,
        },
        offset,
    )
}

fn returns(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| match statement {
        Statement::Return(_) => true,
        Statement::Assign { .. } => false,
        Statement::If { then, otherwise, .. } => returns(then) || returns(otherwise),
    })
}

fn always_returns(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| match statement {
        Statement::Return(_) => true,
        Statement::Assign { .. } => false,
        Statement::If { then, otherwise, .. } => always_returns(then) && always_returns(otherwise),
    })
}

/// The outer variables that the statements assign; those that they declare themselves end with them.
fn assigned(statements: &[Statement], names: &mut Vec<Box<str>>) {
    let mut own: Vec<&str> = Vec::new();
    for statement in statements {
        match statement {
            Statement::Assign {
                name, declared: true, ..
            } => own.push(name),
            Statement::Assign { name, .. } if !own.contains(&name.as_ref()) && !names.contains(name) => {
                names.push(name.clone())
            }
            Statement::If { then, otherwise, .. } => {
                let mut inner = Vec::new();
                assigned(then, &mut inner);
                assigned(otherwise, &mut inner);
                for name in inner {
                    if !own.contains(&name.as_ref()) && !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
            Statement::Assign { .. } | Statement::Return(_) => {}
        }
    }
}
