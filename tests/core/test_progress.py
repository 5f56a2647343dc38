from recommender.core.progress import of_stage, scaled


def test_a_step_reports_its_share_of_the_whole() -> None:
    reports: list[float] = []
    step = scaled(reports.append, 0.2, 0.6)
    for fraction in (0.0, 0.5, 1.0):
        step(fraction)
    assert reports == [0.2, 0.4, 0.6]


def test_steps_nest() -> None:
    reports: list[tuple[str, float]] = []
    stage = of_stage(lambda name, fraction: reports.append((name, fraction)), "import")
    scaled(scaled(stage, 0.5, 1.0), 0.5, 1.0)(0.0)
    assert reports == [("import", 0.75)]
