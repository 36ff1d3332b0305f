"""Rows for Lightning: shared out to the ranks of a trainer, and resumed with its checkpoints.

Needs Lightning: ``pip install lightning``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastsample._arguments import check_seed, whole
from fastsample._public import public_in
from fastsample._training.planned import PlannedOrder
from fastsample._training.resume import ResumableOrder, drops_last
from fastsample._training.row_sampler import ResumableSampler
from fastsample.errors import ArgumentError, MissingDependencyError, SourceTypeError

try:
    from lightning.pytorch import LightningDataModule
    from torch.utils.data import DataLoader
except ImportError:
    raise MissingDependencyError(
        "fastsample.lightning needs Lightning; install it with: pip install lightning"
    ) from None

if TYPE_CHECKING:
    from fastsample._training.mapped import MappedRows

    #: Makes the sampler of a rank: how many ranks there are, and which this is.
    MakeSampler = Callable[[int, int], ResumableOrder[Any]]

__all__ = ["DataModule"]


@public_in("fastsample.lightning")
class DataModule(LightningDataModule):
    """Training rows in random order, the same for any number of ranks, resumed at the exact step.

    The position stands in the checkpoints of the trainer. A run that goes on from one sees exactly
    the rows that the saved run had not seen, on another number of devices, too. Give the trainer
    ``use_distributed_sampler=False``: Lightning would put a sampler of its own in the place of this
    one.

    Parameters
    ----------
    train
        The rows: what :meth:`fastsample.Sample.cache` returned, or another
        :class:`fastsample.Dataset` or :class:`fastsample.TokenDataset`.
    valid
        Rows for validation, in the order in which they are stored; each rank has a share.
    batch_size
        Rows of a batch of a rank. Where `sampler` makes batches it is that of the validation rows,
        1 by default.
    seed
        Of the order of the rows, from 0 to 2**64 - 1.
    sampler
        Makes another sampler of this package, out of the number of ranks and the rank: by weight,
        of batches of similar length, or packed.
    **loader
        Further options of ``torch.utils.data.DataLoader``, such as ``collate_fn`` and
        ``num_workers``.

    Raises
    ------
    ArgumentError
        A number out of range, `batch_size` neither here nor in `sampler`, or a trainer of several
        ranks that puts another sampler in place of this one.

    Examples
    --------
    >>> from fastsample.lightning import DataModule  # doctest: +SKIP
    >>> rows = fastsample.sample("train.parquet", 3_000_000).cache()  # doctest: +SKIP
    >>> data = DataModule(rows, batch_size=24, collate_fn=collate)  # doctest: +SKIP
    >>> trainer = lightning.Trainer(use_distributed_sampler=False)  # doctest: +SKIP
    >>> trainer.fit(model, data, ckpt_path="last")  # doctest: +SKIP
    """

    def __init__(
        self,
        train: MappedRows,
        valid: MappedRows | None = None,
        *,
        batch_size: int | None = None,
        seed: int = 42,
        sampler: MakeSampler | None = None,
        **loader: Any,
    ) -> None:
        super().__init__()
        # Loaders take whatever has a length and items.
        self._train: Any = train
        self._valid: Any = valid
        self._batch_size = (
            batch_size if batch_size is None else whole("batch_size", batch_size, least=1)
        )
        self._seed = check_seed(seed)
        self._make = sampler
        self._options = loader
        self._order: ResumableOrder[Any] | None = None
        self._loaded: dict[str, Any] | None = None
        self._step, self._drops = 0, False
        if valid is None:  # a hook that is overridden counts as validation rows
            vars(self)["val_dataloader"] = super().val_dataloader

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the loader of this rank."""
        order = self._made(*self._place())
        if self._loaded is not None:
            order.load_state_dict(self._loaded)
        loader = self._loader(self._train, order)
        self._order, self._step, self._drops = order, order._per_step(loader), drops_last(loader)
        return loader

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the loader of the validation rows of this rank."""
        valid, (ranks, rank) = self._valid, self._place()
        if valid is None:
            raise ArgumentError("there are no rows for validation; give valid")
        order = ResumableSampler(valid, shuffle=False, num_replicas=ranks, rank=rank)
        return DataLoader(valid, sampler=order, batch_size=self._batch_size or 1, **self._options)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Count a batch that is about to be trained on."""
        trainer = self.trainer
        if trainer is not None and trainer.training and self._order is not None:
            self._order._count(self._step, self._drops)
        return super().on_after_batch_transfer(batch, dataloader_idx)

    def state_dict(self) -> dict[str, Any]:
        """Return the position, for the checkpoint of the trainer."""
        return {} if self._order is None else self._order.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to the position of a checkpoint, once the trainer asks for rows."""
        self._loaded = state_dict or None

    def _place(self) -> tuple[int, int]:
        """Return the number of ranks, and which this is."""
        trainer = self.trainer
        if trainer is None:
            return 1, 0
        replaces = getattr(trainer._accelerator_connector, "use_distributed_sampler", False)
        if trainer.world_size > 1 and replaces:
            raise ArgumentError(
                "the trainer puts a sampler of its own in the place of this one; give it "
                "use_distributed_sampler=False"
            )
        return trainer.world_size, trainer.global_rank

    def _made(self, ranks: int, rank: int) -> ResumableOrder[Any]:
        if self._make is None:
            return ResumableSampler(self._train, self._seed, num_replicas=ranks, rank=rank)
        order = self._make(ranks, rank)
        if not isinstance(order, ResumableOrder):
            raise SourceTypeError(f"sampler returned {order!r}; it must be one of fastsample's")
        if (order.num_replicas, order.rank) != (ranks, rank):
            raise ArgumentError(
                f"sampler made the one of rank {order.rank} of {order.num_replicas}, not of rank "
                f"{rank} of {ranks}; pass both numbers on: num_replicas=ranks, rank=rank"
            )
        return order

    def _loader(self, rows: Any, order: ResumableOrder[Any]) -> DataLoader[Any]:
        if isinstance(order, PlannedOrder):
            return _Loader(rows, batch_sampler=order, **self._options)
        if self._batch_size is None:
            raise ArgumentError("batch_size is not given, and the sampler makes no batches")
        return _Loader(rows, sampler=order, batch_size=self._batch_size, **self._options)


class _Loader(DataLoader[Any]):
    """A loader that Lightning takes for one that resumes; it does by its sampler."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        pass
