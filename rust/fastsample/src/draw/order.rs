//! `DrawOrder`: the rows of a population in the order in which a plan draws them.

use super::column::weighed;
use super::plan::DrawPlan;
use super::ranked::rank;
use super::weighted::{check_window, choose};
use crate::error::Result;
use crate::exec::{Context, memory};
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::select::{Selection, window_among};
use crate::smart::{Ranking, SmartReport};
use crate::tokens::{Order, UniformOrder};

/// What makes a row come before another.
#[derive(Debug)]
pub(super) enum Ranks {
    /// Chance alone.
    Alike,
    /// A column of weights.
    Weights(RowWeights),
    /// A rule, times a column of weights if the plan names one.
    Rule(Box<Ranking>),
}

/// The rows that may be drawn, in the order of the draw.
#[derive(Debug)]
pub(crate) struct DrawOrder {
    population: Population,
    ranks: Ranks,
    seed: u64,
}

impl DrawOrder {
    /// Ranks rows by the weight that a plan gives them. Those of weight 0 may not be drawn.
    ///
    /// # Errors
    /// As [`rank`].
    pub(crate) fn new(ctx: &Context, population: Population, plan: &DrawPlan) -> Result<Self> {
        let seed = plan.seed;
        if plan.weight.rule.is_some() {
            let (population, ranking) = rank(ctx, population, plan)?;
            return Ok(Self { population, ranks: Ranks::Rule(Box::new(ranking)), seed });
        }
        let (population, weights) = weighed(ctx, population, plan)?;
        Ok(Self { population, ranks: weights.map_or(Ranks::Alike, Ranks::Weights), seed })
    }

    /// The rows that may be drawn.
    pub(crate) fn population(&self) -> &Population {
        &self.population
    }

    pub(super) fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    /// The rows of ranks `first` to `first + n`, and what a rule found of them. Rows that are alike come
    /// again behind the last.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] if there are not as many by weight.
    pub(crate) fn window(
        &self,
        ctx: &Context,
        first: u64,
        n: u64,
    ) -> Result<(Selection, Option<SmartReport>)> {
        let among = self.population.among();
        match &self.ranks {
            Ranks::Alike => {
                let first = first % among.len().max(1);
                Ok((window_among(ctx, among, n, self.seed, first)?, None))
            }
            Ranks::Weights(weights) => {
                check_window(&self.population, first, n)?;
                Ok((choose(ctx, among, weights, n, first)?.0, None))
            }
            Ranks::Rule(ranking) => {
                check_window(&self.population, first, n)?;
                let (rows, report) = ranking.window(first..first + n)?;
                Ok((rows, Some(report)))
            }
        }
    }

    /// What a rule found of all rows, if one ranks them.
    ///
    /// # Errors
    /// As [`Ranking::window`].
    pub(crate) fn found(&self) -> Result<Option<SmartReport>> {
        let Ranks::Rule(ranking) = &self.ranks else { return Ok(None) };
        ranking.window(0..ranking.len()).map(|(_, report)| Some(report))
    }

    /// The rows `ids`, and what a rule found of them.
    ///
    /// # Errors
    /// As [`Selection::of_ids`].
    pub(crate) fn chosen(&self, ids: &[u64]) -> Result<(Selection, Option<SmartReport>)> {
        if let Ranks::Rule(ranking) = &self.ranks {
            let (selection, report) = ranking.chosen(ids, 0..ranking.len())?;
            return Ok((selection, Some(report)));
        }
        Ok((Selection::of_ids(ids, self.population.source().rows())?, None))
    }
}

impl Order for DrawOrder {
    fn rows(&self) -> u64 {
        self.population.rows()
    }

    fn at(&self, ctx: &Context, first: u64, count: u64) -> Result<Vec<u64>> {
        let among = self.population.among();
        match &self.ranks {
            Ranks::Alike => {
                UniformOrder { among: among.clone(), seed: self.seed }.at(ctx, first, count)
            }
            Ranks::Weights(weights) => {
                memory::require_rows::<[u64; 2]>(count, "the ordinals")?;
                let (drawn, _) = choose(ctx, among, weights, count, first)?;
                let mut ids = Vec::with_capacity(count as usize);
                drawn.extend_ids(0..drawn.rows(), &mut ids);
                ids.sort_unstable_by_key(|&id| weights.candidate(id));
                Ok(ids)
            }
            Ranks::Rule(ranking) => Ok(ranking.at(first..first + count).collect()),
        }
    }
}
