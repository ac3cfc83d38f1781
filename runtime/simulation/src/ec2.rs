//! Instances: idempotent launches, late listings, an end that takes time.

use std::collections::BTreeMap;

use lightsout_protocol::run::RunId;

/// What an instance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The master.
    Master,
    /// The worker of that number.
    Worker(u32),
}

/// Where an instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It boots until then.
    Pending(u64),
    /// It runs.
    Running,
    /// It ends then.
    ShuttingDown(u64),
    /// It is gone.
    Terminated,
}

/// One instance.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its id.
    pub id: u64,
    /// What it is for.
    pub role: Role,
    /// The run it was started for.
    pub run: RunId,
    /// Whether its tags are there.
    pub is_tagged: bool,
    /// When EC2 started it.
    pub launched_at: u64,
    /// Where it stands.
    pub standing: Standing,
    /// Whether nothing on it moves any more.
    pub is_frozen: bool,
}

impl Instance {
    /// Returns whether it costs money and may work.
    pub fn is_alive(&self) -> bool {
        matches!(self.standing, Standing::Pending(_) | Standing::Running)
    }
}

/// Why EC2 does not answer a repeated launch with the instance that its token has started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// It was asked for with another launch template: `IdempotentParameterMismatch`.
    Otherwise,
    /// It has ended: `IdempotentInstanceTerminated`.
    AfterItsEnd,
}

/// Seconds by which a stale listing lags.
const STALE: u64 = 30;

/// Seconds that an end takes.
const SHUTTING_DOWN: u64 = 10;

/// All instances that ever were.
#[derive(Debug, Default)]
pub struct Ec2 {
    /// By id.
    pub instances: Vec<Instance>,
    /// How often a deploy has changed the launch templates.
    pub deploys: u32,
    /// The instance that each token has started, and after how many deploys.
    tokens: BTreeMap<String, (u64, u32)>,
}

impl Ec2 {
    /// Starts one instance, once for each token, and returns its id; a token that comes again
    /// has to ask for the same.
    pub fn launch(
        &mut self,
        token: String,
        role: Role,
        run: &RunId,
        is_tagged: bool,
        now: u64,
        boot: u64,
    ) -> Result<u64, Repeated> {
        if let Some((id, deploys)) = self.tokens.get(&token) {
            let is_alive = |instance: &Instance| instance.id == *id && instance.is_alive();
            return if !self.instances.iter().any(is_alive) {
                Err(Repeated::AfterItsEnd)
            } else if *deploys != self.deploys {
                Err(Repeated::Otherwise)
            } else {
                Ok(*id)
            };
        }
        let id = self.instances.len() as u64;
        self.instances.push(Instance {
            id,
            role,
            run: run.clone(),
            is_tagged,
            launched_at: now,
            standing: Standing::Pending(now + boot),
            is_frozen: false,
        });
        self.tokens.insert(token, (id, self.deploys));
        Ok(id)
    }

    /// Returns whether a launch with this token has happened.
    pub fn knows(&self, token: &str) -> bool {
        self.tokens.contains_key(token)
    }

    /// Lists what is tagged and not gone; a stale listing misses the youngest.
    pub fn list(&self, is_stale: bool, now: u64) -> Vec<Instance> {
        let is_shown = |instance: &&Instance| {
            instance.is_tagged
                && instance.standing != Standing::Terminated
                && !(is_stale && instance.launched_at + STALE > now)
        };
        self.instances.iter().filter(is_shown).cloned().collect()
    }

    /// Ends an instance.
    pub fn terminate(&mut self, id: u64, now: u64) {
        let Some(instance) = usize::try_from(id)
            .ok()
            .and_then(|id| self.instances.get_mut(id))
        else {
            return;
        };
        if instance.is_alive() {
            instance.standing = Standing::ShuttingDown(now + SHUTTING_DOWN);
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, now: u64) {
        for instance in &mut self.instances {
            match instance.standing {
                Standing::Pending(until) if until <= now => instance.standing = Standing::Running,
                Standing::ShuttingDown(until) if until <= now => {
                    instance.standing = Standing::Terminated;
                }
                _ => {}
            }
        }
    }
}
