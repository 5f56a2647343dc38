"""Every sentence the app shows, in English and Korean.

One entry a text: ``key: (English, Korean)``. Placeholders are named, `str.format` style, and stand
in both languages; `tests/ui/test_texts.py` checks that. Keys are grouped by page with a dot.
"""

LANGUAGES = {"en": "English", "ko": "한국어"}

TEXTS: dict[str, tuple[str, str]] = {
    # Around every page
    "language.label": ("Language", "언어"),
    "error.bundle": ("The recommendations cannot be shown", "추천을 표시할 수 없습니다"),
    "error.settings": ("A setting cannot be used", "사용할 수 없는 설정이 있습니다"),
    "error.what_to_do": (
        "Whoever runs this server can mend it; the page works again after a reload.",
        "서버 운영자가 해결할 수 있습니다. 해결된 뒤 페이지를 새로 고치면 다시 동작합니다.",
    ),
    "error.unexpected": (
        "Something went wrong on the server. Try again; if it stays, tell whoever runs it.",
        "서버에서 문제가 발생했습니다. 다시 시도해 보고, 계속되면 서버 운영자에게 알려 주세요.",
    ),
    # What each action is called in the memory panel
    "action.home": ("Home", "홈"),
    "action.my_ratings": ("My ratings", "내 평점"),
    "action.import": ("Import of ratings", "평점 가져오기"),
    "action.for_you": ("For you", "맞춤 추천"),
    "action.hybrid": ("Hybrid", "하이브리드"),
    "action.search": ("Title search", "제목 검색"),
    "action.similar_content": ("Similar, content", "비슷한 영화, 내용"),
    "action.similar_collaborative": ("Similar, collaborative", "비슷한 영화, 협업"),
    "action.similar_hybrid": ("Similar, both", "비슷한 영화, 둘 다"),
    "action.similar_predicted": ("Similar, predicted stars", "비슷한 영화, 예상 별점"),
    # Home
    "home.menu": ("Home", "홈"),
    "home.title": ("What to watch next", "다음엔 뭘 볼까?"),
    "home.subtitle": (
        "Movie recommendations from what people actually rated, on a server so small that "
        "every megabyte counts.",
        "사람들이 실제로 매긴 별점을 바탕으로 영화를 추천합니다. 메모리 한 조각도 아끼는 작은 서버에서요.",
    ),
    "home.to_my_ratings": ("Rate movies, get yours", "영화를 평가하고 내 추천 받기"),
    "home.to_for_you": ("Recommendations for a user", "사용자 맞춤 추천 보기"),
    "home.to_similar": ("Movies like one you love", "좋아하는 영화와 비슷한 영화 찾기"),
    "home.to_hybrid": ("Mix taste and content", "취향과 내용을 섞어 보기"),
    "home.popular": ("Most rated", "가장 많이 평가된 영화"),
    "statistics.movies": ("movies", "영화"),
    "statistics.ratings": ("ratings", "평점"),
    "statistics.users": ("users", "사용자"),
    "statistics.mean": ("average rating", "평균 평점"),
    # Movie cards
    "card.predicted": ("predicted", "예상 별점"),
    "card.average": ("Average {mean} from {count} ratings", "평균 {mean} · 평점 {count}개"),
    "card.unrated": ("Not rated yet", "아직 평점이 없습니다"),
    "card.because": ("Because of {titles}", "추천 이유: {titles}"),
    "card.shared": ("Shared: {terms}", "공통점: {terms}"),
    "card.decade": ("{decade}s", "{decade}년대"),
    # What a list is ordered by
    "rank_by.label": ("Order", "정렬 기준"),
    "rank_by.help": (
        "Best match puts first what somebody with this taste would pick. Predicted stars puts "
        "first what they would rate highest if they watched it.",
        "취향 일치는 이런 취향의 사람이 고를 만한 영화를, 예상 별점은 보았을 때 별점을 가장 높게 줄 영화를 먼저 보여 줍니다.",
    ),
    "rank_by.ranking": ("Best match", "취향 일치"),
    "rank_by.stars": ("Predicted stars", "예상 별점"),
    # The user field
    "user.label": ("User", "사용자"),
    "user.placeholder": ("One of {count} users", "사용자 {count}명 중에서 선택"),
    "user.help": (
        "Choose from the list or type any user id of the data and press Enter.",
        "목록에서 고르거나 데이터에 있는 사용자 ID를 입력하고 Enter를 누르세요.",
    ),
    "user.empty": (
        "Pick a user above to see their recommendations, 42 for example.",
        "위에서 사용자를 고르면 추천이 나타납니다. 예: 42",
    ),
    "user.unknown": (
        "There is no user {user} in the data. Choose one from the list.",
        "데이터에 사용자 {user}이(가) 없습니다. 목록에서 골라 주세요.",
    ),
    # Filters
    "filter.label": ("Filters", "필터"),
    "filter.on": ("Filters ({count})", "필터 ({count})"),
    "filter.count": ("Number of recommendations", "추천 개수"),
    "filter.genres": ("Genres", "장르"),
    "filter.genres_all": ("All genres", "모든 장르"),
    "filter.years": ("Years", "연도"),
    "filter.min_ratings": ("At least this many ratings", "최소 평점 수"),
    "filter.variety": ("More variety", "더 다양하게"),
    "filter.variety_help": (
        "Movies that resemble one higher up in the list step back.",
        "목록 위쪽 영화와 닮은 영화를 뒤로 보냅니다.",
    ),
    "filter.obscurity": ("Less well-known", "덜 알려진 영화"),
    "filter.obscurity_help": (
        "Movies that many people rated step back. It works with the order “Best match”.",
        "많은 사람이 평가한 영화를 뒤로 보냅니다. 정렬 기준이 ‘취향 일치’일 때 적용됩니다.",
    ),
    "filter.nothing": (
        "No movie passes these filters. Take a genre away or widen the years.",
        "조건에 맞는 영화가 없습니다. 장르를 줄이거나 연도 범위를 넓혀 보세요.",
    ),
    # My ratings
    "my_ratings.menu": ("My ratings", "내 평점"),
    "my_ratings.title": ("My ratings", "내 평점"),
    "my_ratings.subtitle": (
        "Give stars to movies you know. The recommendations follow with every click.",
        "본 영화에 별점을 매겨 보세요. 누를 때마다 추천이 바로 바뀝니다.",
    ),
    "my_ratings.not_lasting": (
        "Your browser sent no cookie, so these ratings last only until you close or reload this page. "
        "Allow cookies for this site and reload to keep them.",
        "브라우저가 쿠키를 보내지 않아, 평점은 이 페이지를 닫거나 새로 고칠 때까지만 유지됩니다. "
        "이 사이트의 쿠키를 허용하고 새로 고치면 계속 보관됩니다.",
    ),
    "my_ratings.parts": ("What to do", "할 일"),
    "my_ratings.part_rate": ("Rate", "평가하기"),
    "my_ratings.part_rated": ("Rated ({count})", "평가한 영화 ({count})"),
    "my_ratings.part_file": ("Your data", "내 데이터"),
    "my_ratings.search": ("A movie you know", "본 영화 찾기"),
    "my_ratings.quick_start": (
        "Or begin with these: many people know them, and opinions differ.",
        "아래 영화로 시작해도 좋습니다. 많이 알려졌고 평가가 엇갈리는 영화들입니다.",
    ),
    "my_ratings.others": ("Other movies", "다른 영화 보기"),
    "my_ratings.none": (
        "You have not rated anything yet. Choose “Rate” above to begin.",
        "아직 평가한 영화가 없습니다. 위의 ‘평가하기’에서 시작하세요.",
    ),
    "my_ratings.rated_help": (
        "Click another star to change a rating, and the same star again to remove it.",
        "다른 별을 누르면 평점이 바뀌고, 같은 별을 다시 누르면 지워집니다.",
    ),
    "my_ratings.more": ("Show more ({count} left)", "더 보기 ({count}개 남음)"),
    "my_ratings.hidden": ("Not interested", "관심 없는 영화"),
    "my_ratings.show_again": ("Recommend again", "다시 추천받기"),
    "my_ratings.recommended": ("Recommended for you", "나를 위한 추천"),
    "my_ratings.popular": ("Known to many", "많이 알려진 영화"),
    "my_ratings.empty": (
        "Rate a movie, and this list becomes yours.",
        "영화를 하나만 평가해도 이 목록이 내 취향에 맞게 바뀝니다.",
    ),
    "my_ratings.summary": (
        "From your ratings ({count})",
        "내 평점 {count}개를 바탕으로 골랐습니다",
    ),
    "my_ratings.turn_away": ("Not interested", "관심 없음"),
    "my_ratings.turned_away": (
        "“{title}” will not be recommended again.",
        "“{title}”은(는) 다시 추천하지 않습니다.",
    ),
    "my_ratings.undo": ("Undo", "되돌리기"),
    "my_ratings.export": ("Take them along", "내보내기"),
    "my_ratings.export_text": (
        "A CSV file with MovieLens's columns and the titles.",
        "MovieLens 형식에 제목을 더한 CSV 파일입니다.",
    ),
    "my_ratings.export_button": ("Download ratings ({count})", "평점 {count}개 내려받기"),
    "my_ratings.import": ("Bring them in", "가져오기"),
    "my_ratings.import_text": (
        "A CSV file from this page, of MovieLens, or ratings.csv from Letterboxd's export",
        "이 페이지에서 내려받은 CSV, MovieLens CSV, 또는 Letterboxd에서 내보낸 ratings.csv",
    ),
    "my_ratings.importing": ("Looking up the movies", "영화를 찾는 중"),
    "my_ratings.imported": ("Ratings taken over: {count}", "가져온 평점: {count}개"),
    "my_ratings.missing": ("Not in this catalogue: {count}", "이 목록에 없는 영화: {count}편"),
    "my_ratings.missing_more": ("and more", "그 밖에 더 있습니다"),
    "my_ratings.delete": ("Delete", "삭제"),
    "my_ratings.delete_text": (
        "Your ratings are kept on this server under a secret that only your browser has.",
        "평점은 내 브라우저만 아는 비밀 값으로 이 서버에 보관됩니다.",
    ),
    "my_ratings.delete_button": ("Delete everything", "모두 삭제"),
    "my_ratings.delete_sure": (
        "All your ratings and hidden movies go, and nobody can bring them back.",
        "모든 평점과 관심 없는 영화 목록이 삭제되며 되돌릴 수 없습니다.",
    ),
    "my_ratings.delete_yes": ("Yes, delete everything", "네, 모두 삭제합니다"),
    "my_ratings.problem_storage": (
        "Your ratings cannot be read or kept right now. Try again later; all other pages work.",
        "지금은 평점을 읽거나 저장할 수 없습니다. 나중에 다시 시도해 주세요. 다른 페이지는 그대로 쓸 수 있습니다.",
    ),
    "my_ratings.problem_full": (
        "This server has no room for more ratings. The last one was not kept.",
        "이 서버에 평점을 더 저장할 공간이 없습니다. 마지막 평점은 저장되지 않았습니다.",
    ),
    "my_ratings.problem_too_many": (
        "At most {limit} movies can be kept, so the last change was not. Remove some first.",
        "최대 {limit}편까지 보관할 수 있어 마지막 변경은 저장되지 않았습니다. 먼저 몇 개를 지워 주세요.",
    ),
    "my_ratings.problem_file_size": (
        "The file has more than {size} MB or {rows} rows. Choose one with your own ratings only.",
        "파일이 {size} MB 또는 {rows}행을 넘습니다. 내 평점만 들어 있는 파일을 선택해 주세요.",
    ),
    "my_ratings.problem_file_kind": (
        "This is not a CSV file in UTF-8. Choose one, or save yours as that.",
        "UTF-8로 된 CSV 파일이 아닙니다. 다른 파일을 고르거나 UTF-8 CSV로 저장해 주세요.",
    ),
    "my_ratings.problem_file_columns": (
        "The file needs the columns movieId and rating (MovieLens), or Name, Year and Rating "
        "(Letterboxd).",
        "파일에 movieId, rating 열(MovieLens) 또는 Name, Year, Rating 열(Letterboxd)이 있어야 합니다.",
    ),
    "my_ratings.problem_file_people": (
        "The file holds the ratings of several people (userId {first} and {second}). Keep one.",
        "여러 사람의 평점이 들어 있습니다(userId {first}, {second}). 한 사람 것만 남겨 주세요.",
    ),
    "my_ratings.problem_file_scale": (
        "Letterboxd's ratings end at 5 stars, the ones here at {high}. Convert them first.",
        "Letterboxd 평점은 5점 만점이지만 여기는 {high}점 만점입니다. 먼저 변환해 주세요.",
    ),
    "my_ratings.problem_file_rating": (
        "Row {row}: {value} is outside the scale {low} to {high}. Nothing was taken over.",
        "{row}행: {value}은(는) {low}–{high} 범위를 벗어납니다. 아무것도 가져오지 않았습니다.",
    ),
    "my_ratings.problem_file_row": (
        "Row {row} cannot be read: {value}. Nothing was taken over.",
        "{row}행을 읽을 수 없습니다: {value}. 아무것도 가져오지 않았습니다.",
    ),
    # For you
    "for_you.menu": ("For you", "맞춤 추천"),
    "for_you.title": ("For you", "맞춤 추천"),
    "for_you.subtitle": (
        "Movies that suit a user's taste, of those the user has not rated yet.",
        "사용자가 아직 평가하지 않은 영화 가운데 취향에 맞는 영화입니다.",
    ),
    "for_you.rated": ("Rated highest", "가장 높게 평가한 영화"),
    "for_you.summary": (
        "{count} ratings, {mean} stars on average",
        "평점 {count}개, 평균 별점 {mean}",
    ),
    "for_you.recommended": ("Recommended", "추천 영화"),
    # Similar movies
    "similar.menu": ("Similar movies", "비슷한 영화"),
    "similar.title": ("Similar movies", "비슷한 영화"),
    "similar.subtitle": (
        "Search a title, pick a movie, and see what is close to it.",
        "제목을 검색해 영화를 고르면 그와 가까운 영화를 보여 줍니다.",
    ),
    "similar.link": ("Similar movies", "비슷한 영화"),
    "similar.search": ("Title", "제목"),
    "similar.search_placeholder": (
        "Any part of a title: matrix, amelie, toy 2",
        "제목의 일부: matrix, amelie, toy 2",
    ),
    "similar.matches": ("Found", "검색 결과"),
    "similar.suggestions": ("Often rated", "많이 평가된 영화"),
    "similar.no_match": (
        "No title holds “{text}”. Try fewer or shorter words.",
        "“{text}”이(가) 들어간 제목이 없습니다. 더 짧은 단어로 검색해 보세요.",
    ),
    "similar.empty": (
        "Pick one of the movies above to see what is similar to it.",
        "위에서 영화를 고르면 비슷한 영화가 나타납니다.",
    ),
    "similar.unknown": (
        "There is no movie with the id {movie}. Search for its title above.",
        "ID가 {movie}인 영화가 없습니다. 위에서 제목으로 검색해 보세요.",
    ),
    "similar.method": ("Similarity", "유사도 기준"),
    "similar.method_help": (
        "Content compares genres, decade and words. Collaborative finds what the same people "
        "pick. Predicted stars compares the stars that all users would give.",
        "내용은 장르, 연대, 단어를 비교하고, 협업은 같은 사람들이 고르는 영화를 찾습니다. 예상 별점은 모든 사용자가 줄 것으로 예상되는 별점을 비교합니다.",
    ),
    "similar.explain_content": (
        "By content: shared genres, decade and words.",
        "내용 기준: 공통된 장르, 연대, 단어",
    ),
    "similar.explain_collaborative": (
        "By collaboration: what people who like it go on to pick; 100% is the closest of all.",
        "협업 기준: 이 영화를 좋아하는 사람들이 함께 고르는 영화. 100%는 가장 가까운 영화입니다.",
    ),
    "similar.explain_hybrid": (
        "Both: the mean of content and collaboration.",
        "둘 다: 내용과 협업의 평균",
    ),
    "similar.explain_predicted": (
        "By predicted stars: movies that all users together would rate alike.",
        "예상 별점 기준: 모든 사용자가 비슷하게 평가할 것으로 예상되는 영화",
    ),
    "similar.results": ("Close to it", "가까운 영화"),
    "similar.similarity": ("Similarity", "유사도"),
    "similar.too_few_ratings": (
        "This movie has too few ratings to compare predicted stars. Choose another similarity.",
        "이 영화는 평점이 적어 예상 별점을 비교할 수 없습니다. 다른 유사도 기준을 선택해 주세요.",
    ),
    "method.content": ("Content", "내용"),
    "method.collaborative": ("Collaborative", "협업"),
    "method.hybrid": ("Both", "둘 다"),
    "method.predicted": ("Predicted stars", "예상 별점"),
    # Hybrid
    "hybrid.menu": ("Hybrid", "하이브리드"),
    "hybrid.title": ("Hybrid", "하이브리드"),
    "hybrid.subtitle": (
        "Two opinions in one list: what similar users like, and what resembles what this user "
        "liked. The weight decides how much each of them counts.",
        "비슷한 사용자들의 취향과, 이 사용자가 좋아한 영화와 닮은 정도를 함께 봅니다. 가중치로 둘의 비중을 정하세요.",
    ),
    "hybrid.weight": ("Weight of collaborative", "협업 가중치"),
    "hybrid.weight_help": (
        "1 is collaborative only, 0 is content only.",
        "1이면 협업만, 0이면 내용만 사용합니다.",
    ),
    "hybrid.collaborative": ("Collaborative", "협업"),
    "hybrid.content": ("Content", "내용"),
    "hybrid.parts_label": (
        "Score: collaborative {collaborative}, content {content}",
        "점수: 협업 {collaborative}, 내용 {content}",
    ),
    # About
    "about.menu": ("About", "소개"),
    "about.title": ("About Matinee", "Matinee 소개"),
    "about.intro": (
        "Matinee recommends movies inside the memory of a very small server. What you see was "
        "trained beforehand; the server only reads it from disk, a few pages at a time.",
        "Matinee는 아주 작은 서버의 메모리 안에서 영화를 추천합니다. 모델은 미리 학습해 두고, "
        "서버는 디스크에서 필요한 부분만 조금씩 읽습니다.",
    ),
    "about.models": ("The models", "모델"),
    "about.models_text": (
        "- **Collaborative.** Best match: a truncated SVD of the scaled ratings and the movies' "
        "content in one space of {ranking_factors} dimensions. It knows every movie and needs "
        "nothing stored about a visitor.\n"
        "- **Predicted stars.** Matrix factorization with biases ({factors} factors), trained on "
        "{users} users with at least {min_user} ratings and {movies} movies with at least "
        "{min_movie}.\n"
        "- **Content.** TF-IDF over genre, decade, title, tags and plot ({terms} terms). It knows "
        "every movie, rated or not.\n"
        "- **Hybrid.** A weighted sum of both. The weight is yours.\n"
        "- **Similar movies.** By content, by what the same people pick, by both, or by the stars "
        "that all users would give.",
        "- **협업.** 취향 일치는 조정한 평점과 영화 내용을 {ranking_factors}차원의 한 공간에 담은 절단 SVD입니다. "
        "모든 영화를 다루며 방문자에 대해 아무것도 저장할 필요가 없습니다.\n"
        "- **예상 별점.** 편향을 포함한 행렬 분해(요인 {factors}개)로 별점을 예측합니다. 평점이 {min_user}개 "
        "이상인 사용자 {users}명과 {min_movie}개 이상인 영화 {movies}편으로 학습했습니다.\n"
        "- **내용.** 장르, 연대, 제목, 태그, 줄거리의 TF-IDF(단어 {terms}개)입니다. 평점이 없는 영화도 다룹니다.\n"
        "- **하이브리드.** 두 점수의 가중합이며, 가중치는 직접 정합니다.\n"
        "- **비슷한 영화.** 내용, 같은 사람들이 고르는 영화, 둘 다, 또는 모든 사용자가 줄 것으로 예상되는 별점으로 비교합니다.",
    ),
    "about.quality": ("How good it is", "추천의 품질"),
    "about.quality_text": (
        "A fifth of the ratings of {users} users was held back, and the models had to find it. "
        "The first ten movies of “Best match” were {times} times as good as showing everyone the "
        "same popular movies (NDCG@10 {ndcg} against {popularity}), and predicted stars were "
        "{mae} off on average.",
        "사용자 {users}명의 평점 가운데 5분의 1을 감춰 두고 모델이 찾게 했습니다. ‘취향 일치’의 첫 열 편은 모두에게 "
        "같은 인기 영화를 보여 주는 것보다 {times}배 좋았고(NDCG@10 {ndcg} 대 {popularity}), 예상 별점은 평균 {mae}점 빗나갔습니다.",
    ),
    "about.data": ("The data", "데이터"),
    "about.data_text": (
        "{ratings} ratings of {movies} movies by {users} users, {mean} stars on average on a "
        "scale of {low} to {high}. Trained on {created}; {size} MB on disk.",
        "사용자 {users}명이 영화 {movies}편에 매긴 평점 {ratings}개, {low}–{high}점 만점에 평균 {mean}점입니다. "
        "{created}에 학습했고 디스크에서 {size} MB를 차지합니다.",
    ),
    "about.no_credit": (
        "Whoever trained this bundle did not say where the data come from.",
        "이 데이터를 학습한 사람이 출처를 밝히지 않았습니다.",
    ),
    "about.memory": ("Memory", "메모리"),
    "about.memory_text": (
        "Start the server with `./run_debug.sh` to see live what each action costs.",
        "서버를 `./run_debug.sh`로 시작하면 작업마다 메모리를 얼마나 쓰는지 실시간으로 볼 수 있습니다.",
    ),
    # Genres of MovieLens
    "genre.Action": ("Action", "액션"),
    "genre.Adventure": ("Adventure", "모험"),
    "genre.Animation": ("Animation", "애니메이션"),
    "genre.Children": ("Children", "어린이"),
    "genre.Children's": ("Children's", "어린이"),
    "genre.Comedy": ("Comedy", "코미디"),
    "genre.Crime": ("Crime", "범죄"),
    "genre.Documentary": ("Documentary", "다큐멘터리"),
    "genre.Drama": ("Drama", "드라마"),
    "genre.Fantasy": ("Fantasy", "판타지"),
    "genre.Film-Noir": ("Film noir", "누아르"),
    "genre.Horror": ("Horror", "공포"),
    "genre.IMAX": ("IMAX", "IMAX"),
    "genre.Musical": ("Musical", "뮤지컬"),
    "genre.Mystery": ("Mystery", "미스터리"),
    "genre.Romance": ("Romance", "로맨스"),
    "genre.Sci-Fi": ("Sci-Fi", "SF"),
    "genre.Thriller": ("Thriller", "스릴러"),
    "genre.War": ("War", "전쟁"),
    "genre.Western": ("Western", "서부"),
    # The memory panel (DEBUG_MEMORY=true)
    "memory.title": ("Memory", "메모리"),
    "memory.own": ("Own memory", "자체 메모리"),
    "memory.of_limit": ("{own} of {limit}", "{limit} 중 {own}"),
    "memory.rss": ("RSS, everything resident", "RSS (상주 메모리 전체)"),
    "memory.file": ("File pages, reclaimable", "파일 페이지 (회수 가능)"),
    "memory.limit": ("Limit set by {source}", "한도 출처: {source}"),
    "memory.machine": ("the machine", "이 컴퓨터의 메모리"),
    "memory.parts_unknown": (
        "This system does not tell file pages apart, so RSS stands for own memory.",
        "이 시스템은 파일 페이지를 구분하지 않으므로 RSS를 자체 메모리로 표시합니다.",
    ),
    "memory.return": ("Collect and return memory", "메모리 정리하고 반환"),
    "memory.returned": ("Given back", "반환한 메모리"),
    "memory.collected": ("Garbage collection", "가비지 컬렉션"),
    "memory.arrow": ("Arrow pool", "Arrow 풀"),
    "memory.trimmed": ("Heap trim", "힙 정리"),
    "memory.not_done": ("not in use", "사용 안 함"),
    "memory.actions": ("Actions", "작업"),
    "memory.legend": (
        "Own memory in MB, all sessions, newest first. ≥ means at least.",
        "자체 메모리(MB), 모든 세션, 최신순. ≥는 ‘최소’를 뜻합니다.",
    ),
    "memory.before": ("Before", "이전"),
    "memory.after": ("After", "이후"),
    "memory.change": ("Change", "변화"),
    "memory.peak": ("Peak", "최고"),
    "memory.duration": ("Took", "시간"),
    "memory.overlaps": ("others at the same time: {count}", "동시에 실행된 다른 작업: {count}개"),
    "memory.failed": ("ended in an error", "오류로 끝남"),
    "memory.newest": ("The newest {shown} of {total}.", "전체 {total}개 중 최신 {shown}개"),
    "memory.empty": (
        "Nothing measured yet: every action in the app will appear here.",
        "아직 측정한 작업이 없습니다. 앱을 사용하면 모든 작업이 여기에 나타납니다.",
    ),
}


def lookup(key: str, language: str, /, **values: object) -> str:
    """The text for `key` in `language`, with its placeholders filled from `values`.

    Raises:
        KeyError: no such text, or a placeholder without a value.
    """
    english, korean = TEXTS[key]
    template = korean if language == "ko" else english
    return template.format(**values) if values else template
