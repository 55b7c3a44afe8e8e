"""Where a stage has to be: refuses credentials of another account before anything is called there.

An account that livejob.toml fixes holds for everybody. Else the one counts that the stage was last deployed
to from this machine. Called by `wiring`, for the real AWS alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from livejob.errors import WrongAccount
from livejob.project.places import Place, Places


@dataclass(frozen=True, slots=True)
class StageHome:
    """Where a stage is, as far as settings and the last deployment from this machine say."""

    stage: str
    places: Places
    fixed_account: str | None

    @property
    def last(self) -> Place | None:
        """Where it was deployed from this machine."""
        return self.places.find(self.stage)

    def check(self, account: str) -> None:
        """Nothing, if the stage may be in that account.

        Raises:
            WrongAccount
        """
        last = self.last
        if self.fixed_account is not None and account != self.fixed_account:
            raise WrongAccount(
                f"These credentials are for account {account}; `accounts` in livejob.toml says that stage "
                f"{self.stage} is in {self.fixed_account}.",
                account=self.fixed_account,
            )
        if self.fixed_account is None and last is not None and account != last.account:
            raise WrongAccount(
                f"These credentials are for account {account}; stage {self.stage} was deployed to "
                f"{last.account}.",
                remedy=f"Use credentials of account {last.account} (--profile, AWS_PROFILE). If the stage "
                f"shall be in {account}, write into livejob.toml: "
                f'accounts = {{ {self.stage} = "{account}" }}.',
            )
