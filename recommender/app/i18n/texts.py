"""Every sentence the app shows, in English and Korean.

One entry a text: ``key: (English, Korean)``. Placeholders are named, `str.format` style, and stand
in both languages; `tests/ui/test_texts.py` checks that. Keys are grouped by page with a dot.
"""

LANGUAGES = {"en": "English", "ko": "한국어"}

TEXTS: dict[str, tuple[str, str]] = {
    # Around every page
    "language.label": ("Language", "언어"),
    "error.bundle": ("The recommendations cannot be shown", "추천을 표시할 수 없습니다"),
    "error.fetching": (
        "This server has just started and is fetching its movies. It takes a moment.",
        "서버가 방금 시작되어 영화 데이터를 가져오는 중입니다. 잠시만 기다려 주세요.",
    ),
    "error.settings": ("A setting cannot be used", "사용할 수 없는 설정이 있습니다"),
    "error.what_to_do": (
        "Whoever runs this server can mend it; the page works again after a reload.",
        "서버 운영자가 해결할 수 있습니다. 해결된 뒤 페이지를 새로 고치면 다시 동작합니다.",
    ),
    "error.unexpected": (
        "Something went wrong on the server. Try again; if it stays, tell whoever runs it.",
        "서버에서 문제가 발생했습니다. 다시 시도해 보고, 계속되면 서버 운영자에게 알려 주세요.",
    ),
    "error.busy": (
        "Many people are here just now, and this server is small. Give it a few seconds.",
        "지금 방문자가 많고 서버는 작습니다. 몇 초만 기다려 주세요.",
    ),
    "error.memory": (
        "This took more memory than the server has. Nothing is lost; ask for less, or try again.",
        "서버 메모리보다 큰 요청이었습니다. 잃은 것은 없으니 요청을 줄이거나 다시 시도해 보세요.",
    ),
    "error.try_again": ("Try again", "다시 시도"),
    # What each action is called in the memory panel
    "action.home": ("Home", "홈"),
    "action.my_ratings": ("My ratings", "내 평점"),
    "action.import": ("Import of ratings", "평점 가져오기"),
    "action.for_you": ("For you", "맞춤 추천"),
    "action.hybrid": ("Hybrid", "하이브리드"),
    "action.search": ("Title search", "제목 검색"),
    "action.search_meaning": ("Search by meaning", "의미 검색"),
    "action.load_meaning": ("Loading search by meaning", "의미 검색 불러오기"),
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
    "card.average_of_one": ("{mean} from one rating", "평균 {mean} · 평점 1개"),
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
        "Pick one of the people in the data above to see what suits them, {user} for example.",
        "위에서 데이터에 있는 사용자를 고르면 그 사람에게 맞는 영화가 나타납니다. 예: {user}",
    ),
    "user.own": (
        "Recommendations for yourself: rate a few movies",
        "내 추천이 궁금하다면: 영화 몇 편에 별점 매기기",
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
    "my_ratings.waits": ("not saved yet", "저장 대기"),
    "my_ratings.unsaved": (
        "Not saved yet: {count}. Ratings cannot be stored right now. What you change stays in this "
        "server's memory and is saved by itself as soon as it can be.",
        "아직 저장되지 않은 변경: {count}개. 지금은 평점을 저장할 수 없습니다. 변경한 내용은 "
        "서버의 메모리에만 남아 있으며, 가능해지는 대로 자동으로 저장됩니다.",
    ),
    "my_ratings.unreadable": (
        "What you rated before cannot be read right now. It comes back by itself as soon as it can, "
        "and you can go on rating.",
        "이전에 남긴 평점을 지금은 불러올 수 없습니다. 가능해지는 대로 자동으로 다시 나타나며, "
        "그동안에도 계속 평가할 수 있습니다.",
    ),
    "my_ratings.remembered": (
        "Ratings cannot be stored right now, so these are the ones read last. "
        "What you change meanwhile is saved later, by itself.",
        "지금은 평점을 저장할 수 없어 마지막으로 불러온 평점을 보여 드립니다. "
        "그동안 변경한 내용은 나중에 자동으로 저장됩니다.",
    ),
    "my_ratings.saved": ("Saved: {count}", "변경 {count}개를 저장했습니다."),
    "my_ratings.problem_given_up": (
        "Changes that could not be saved in the end, because a limit of this server is reached: "
        "{count}. What you see now is what is saved.",
        "서버의 한도에 도달해 결국 저장하지 못한 변경: {count}개. 지금 보이는 내용이 저장된 "
        "내용입니다.",
    ),
    "my_ratings.problem_storage": (
        "Your ratings cannot be read or kept right now. Try again later; all other pages work.",
        "지금은 평점을 읽거나 저장할 수 없습니다. 나중에 다시 시도해 주세요. 다른 페이지는 그대로 쓸 수 있습니다.",
    ),
    "my_ratings.problem_away": (
        "Ratings cannot be saved right now, and no more can wait for it. "
        "The last change was not kept.",
        "지금은 평점을 저장할 수 없고, 저장을 기다리는 평점도 더 받을 수 없습니다. "
        "마지막 변경은 반영되지 않았습니다.",
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
        "Part of a title, or: sci-fi 1980s",
        "제목의 일부 또는: SF 1980년대",
    ),
    "similar.matches": ("Found", "검색 결과"),
    "similar.by_facts": ("By genre, decade and words", "장르·연대·단어로 찾은 영화"),
    "similar.suggestions": ("Often rated", "많이 평가된 영화"),
    "similar.no_match": (
        "No title is like “{text}”. Try fewer or shorter words.",
        "“{text}”와(과) 비슷한 제목이 없습니다. 더 짧은 단어나 데이터에 적힌 언어의 제목(예: Matrix)으로 "
        "검색해 보세요.",
    ),
    "similar.empty": (
        "Pick one of the movies above to see what is similar to it.",
        "위에서 영화를 고르면 비슷한 영화가 나타납니다.",
    ),
    "similar.unknown": (
        "There is no movie with the id {movie}. Search for its title above.",
        "ID가 {movie}인 영화가 없습니다. 위에서 제목으로 검색해 보세요.",
    ),
    "meaning.subtitle": (
        "Search a title, or say in English what it is about; pick a movie, and see what is close "
        "to it.",
        "제목을 검색하거나 내용을 영어로 적어 영화를 고르면 그와 가까운 영화를 보여 줍니다.",
    ),
    "meaning.search": ("Title, or what it is about", "제목 또는 내용"),
    "meaning.search_placeholder": (
        "matrix, toy 2, or: a heist that goes wrong",
        "matrix, toy 2 또는 영어로: a heist that goes wrong",
    ),
    "meaning.matches": ("By meaning", "의미로 찾은 영화"),
    "meaning.loading": ("Opening the search by meaning …", "의미 검색을 여는 중 …"),
    "meaning.no_room": (
        "Searching by meaning needs more memory than is free now. Titles and genres can be "
        "searched as ever.",
        "지금은 남은 메모리가 적어 의미로 검색할 수 없습니다. 제목과 장르는 그대로 검색할 수 있습니다.",
    ),
    "meaning.trouble": (
        "Searching by meaning does not work at the moment. Titles and genres can be searched as "
        "ever.",
        "지금은 의미로 검색할 수 없습니다. 제목과 장르는 그대로 검색할 수 있습니다.",
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
        "사용자 {users}명이 영화 {movies}편에 매긴 평점 {ratings}개입니다. 별점은 {low}점부터 {high}점까지이며 평균은 {mean}점입니다. "
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
    "memory.failure": (
        "This cannot be shown right now; the server's log says why. It tries again by itself.",
        "지금은 표시할 수 없습니다. 이유는 서버 로그에 있으며 자동으로 다시 시도합니다.",
    ),
    "memory.token": ("Token (DEBUG_MEMORY_TOKEN)", "토큰 (DEBUG_MEMORY_TOKEN)"),
    "memory.open": ("Show the memory panel", "메모리 패널 열기"),
    "memory.token_wrong": (
        "This is not the token. The next try is possible in {seconds} s.",
        "토큰이 맞지 않습니다. {seconds}초 뒤에 다시 시도할 수 있습니다.",
    ),
    "memory.token_paused": (
        "Not looked at after a wrong token. Try again in {seconds} s.",
        "잘못된 토큰이 입력된 뒤라 확인하지 않았습니다. {seconds}초 뒤에 다시 시도해 주세요.",
    ),
    "memory.view": ("What the panel shows", "패널에 표시할 내용"),
    "memory.view_now": ("Now", "현재"),
    "memory.view_actions": ("Actions", "작업"),
    "memory.view_parts": ("Parts", "구성"),
    "memory.view_tools": ("Tools", "도구"),
    # Its first view: the gauge
    "memory.own": ("Own memory", "자체 메모리"),
    "memory.of_limit": ("{share} of {limit}", "{limit} 중 {share}"),
    "memory.stage_ok": ("Fine", "여유"),
    "memory.stage_high": ("High", "높음"),
    "memory.stage_shedding": ("Very high", "매우 높음"),
    "memory.stage_full": ("Full", "가득 참"),
    "memory.stage_note": (
        "From {shedding} on caches are given up, from {full} on new actions are refused.",
        "{shedding}부터는 캐시를 비우고, {full}부터는 새 작업을 거절합니다.",
    ),
    "memory.bar_own": ("this process", "이 프로세스"),
    "memory.bar_others": ("others", "기타"),
    "memory.bar_free": ("free", "여유"),
    "memory.others": (
        "Others: what else counts against the same limit, other processes and the kernel's part.",
        "기타: 같은 한도에 포함되는 다른 프로세스와 커널의 몫입니다.",
    ),
    "memory.rss": ("RSS, everything resident", "RSS (상주 메모리 전체)"),
    "memory.file": ("File pages, reclaimable", "파일 페이지 (회수 가능)"),
    "memory.swap": ("Moved out to swap", "스왑으로 내보냄"),
    "memory.highest": ("Highest RSS so far", "지금까지의 최고 RSS"),
    "memory.oom_kills": ("Killed for want of memory", "메모리 부족으로 강제 종료"),
    "memory.pressure": ("Waited for memory, last 10 s", "메모리 대기 (최근 10초)"),
    "memory.limit": ("Limit set by {source}", "한도 출처: {source}"),
    "memory.machine": ("the machine", "이 컴퓨터의 메모리"),
    "memory.parts_unknown": (
        "This system does not tell file pages apart, so RSS stands for own memory.",
        "이 시스템은 파일 페이지를 구분하지 않으므로 RSS를 자체 메모리로 표시합니다.",
    ),
    "memory.guard": (
        "Guard: running {active}, waiting {waiting}",
        "가드: 실행 {active}, 대기 {waiting}",
    ),
    "memory.guard_off": ("Guard: off", "가드: 꺼짐"),
    "memory.guard_admitted": ("admitted {count}", "허용 {count}"),
    "memory.guard_waited": ("had waited {count}", "대기 후 허용 {count}"),
    "memory.guard_shrunk": ("batches made smaller {count}", "배치 축소 {count}"),
    "memory.guard_shed": ("caches given up {count}", "캐시 비움 {count}"),
    "memory.guard_refused": ("refused {count}", "거절 {count}"),
    "memory.guard_memory_errors": ("out of memory {count}", "메모리 부족 오류 {count}"),
    "memory.timeline": (
        "Last {minutes} min, highest {highest}",
        "최근 {minutes}분, 최고 {highest}",
    ),
    "memory.timeline_limit": ("limit", "한도"),
    "memory.timeline_action": (
        "{time} {name}: {change} MB, peak {peak} MB, {duration}",
        "{time} {name}: {change} MB, 최고 {peak} MB, {duration}",
    ),
    "memory.leaks": (
        "Seems to leak: {names}. See Actions, by name.",
        "메모리 누수 의심: {names}. ‘작업’의 ‘이름별’을 확인해 보세요.",
    ),
    "memory.return": ("Collect and return memory", "메모리 정리하고 반환"),
    "memory.returned": ("Given back: {total}", "반환한 메모리: {total}"),
    "memory.collected": ("Garbage collection", "가비지 컬렉션"),
    "memory.arrow": ("Arrow pool", "Arrow 풀"),
    "memory.trimmed": ("Heap trim", "힙 정리"),
    "memory.not_done": ("not in use", "사용 안 함"),
    # Its second view: the actions
    "memory.shown": ("Which figures", "표시할 수치"),
    "memory.each": ("Each one", "하나씩"),
    "memory.totals": ("By name", "이름별"),
    "memory.filter": ("Name contains", "이름으로 찾기"),
    "memory.order": ("Order", "정렬 기준"),
    "memory.order_newest": ("Newest first", "최신순"),
    "memory.order_change": ("Largest change first", "변화가 큰 순"),
    "memory.order_peak": ("Highest peak first", "최고치가 높은 순"),
    "memory.order_duration": ("Longest first", "오래 걸린 순"),
    "memory.before": ("Before", "이전"),
    "memory.after": ("After", "이후"),
    "memory.change": ("Change", "변화"),
    "memory.peak": ("Peak", "최고"),
    "memory.duration": ("Took", "시간"),
    "memory.overlaps": ("others at the same time: {count}", "동시에 실행된 다른 작업: {count}개"),
    "memory.failed": ("ended in an error", "오류로 끝남"),
    "memory.more": (
        "{shown} of {total}; the files below hold all.",
        "전체 {total}개 중 {shown}개. 아래 파일에는 모두 들어 있습니다.",
    ),
    "memory.legend": (
        "Own memory in MB, all sessions. A peak is exact; ≥ is at least, ~ is sampled and may "
        "have missed more.",
        "자체 메모리(MB), 모든 세션. 최고는 정확한 값이며, ≥는 ‘최소’, ~는 표본으로 잰 값이라 더 "
        "높았을 수 있습니다.",
    ),
    "memory.calls": ("Calls", "횟수"),
    "memory.median": ("Median", "중앙값"),
    "memory.worst": ("Worst", "최대"),
    "memory.growth": ("Keeps", "누적"),
    "memory.mean": ("{duration} on average", "평균 {duration}"),
    "memory.errors": ("ended in an error: {count}", "오류로 끝남: {count}"),
    "memory.totals_legend": (
        "In MB: what a call takes at its peak, in the median and at worst, and what each keeps "
        "for good.",
        "단위 MB: 호출 한 번이 최고 시점에 쓰는 양(중앙값과 최대), 호출마다 계속 남는 양.",
    ),
    "memory.leak": (
        "{name} seems to leak: each call keeps {growth}. Look for a list or a cache that only "
        "grows; Tools shows the lines that hold the memory.",
        "{name}에서 누수가 의심됩니다. 호출마다 {growth}씩 남습니다. 계속 늘어나기만 하는 목록이나 "
        "캐시를 찾아보세요. ‘도구’에서 메모리를 잡고 있는 코드 줄을 볼 수 있습니다.",
    ),
    "memory.empty": (
        "Nothing measured: every action in the app will appear here.",
        "측정한 작업이 없습니다. 앱을 사용하면 모든 작업이 여기에 나타납니다.",
    ),
    "memory.clear": ("Clear", "지우기"),
    # Its third view: where the memory is
    "memory_parts.own": ("{own} of own memory", "자체 메모리 {own}"),
    "memory_parts.start": ("Python, libraries at start", "시작 시 (파이썬과 라이브러리)"),
    "memory_parts.free": ("Kept free by the C allocator", "C 할당자가 쥐고 있는 빈 메모리"),
    "memory_parts.stacks": ("Stacks of {name} threads", "스레드 {name}개의 스택"),
    "memory_parts.sqlite": ("SQLite: titles, ratings", "SQLite (제목, 평점)"),
    "memory_parts.arrow": ("Arrow pool in use", "Arrow 풀 사용량"),
    "memory_parts.tracking": ("Notes on allocations", "할당 추적 기록"),
    "memory_parts.bundle_changed": ("Changed pages of the bundle", "변경된 번들 페이지"),
    "memory_parts.cached": ("Cached data: {name}", "데이터 캐시: {name}"),
    "memory_parts.uploads": ("Uploaded files", "업로드한 파일"),
    "memory_parts.downloads": ("Files for download", "내려받기용 파일"),
    "memory_parts.rest": ("Since then: all else", "그 이후의 나머지"),
    "memory_parts.all_else": ("All else", "나머지"),
    "memory_parts.own_note": (
        "All else is the recommender, sessions and Python's objects; nobody tells them apart. "
        "Of what the allocator keeps free, a trim returns whole pages.",
        "나머지는 추천기, 세션, 파이썬 객체이며 따로 알 수 없습니다. 할당자가 쥐고 있는 빈 메모리는 "
        "힙을 정리하면 페이지 단위로 반환됩니다.",
    ),
    "memory_parts.files": ("File pages in memory", "메모리에 올라온 파일 페이지"),
    "memory_parts.bundle": ("Bundle, of {name} mapped", "번들 (매핑 {name} 중)"),
    "memory_parts.libraries": ("Program code, libraries", "프로그램 코드, 라이브러리"),
    "memory_parts.files_note": (
        "The kernel takes these back when it needs them.",
        "필요하면 커널이 회수합니다.",
    ),
    "memory_parts.disk": ("On disk", "디스크"),
    "memory_parts.ratings": ("Visitors' ratings", "방문자 평점"),
    "memory_parts.counts": ("Counted only", "개수만 아는 것"),
    "memory_parts.connected": ("Sessions connected", "연결된 세션"),
    "memory_parts.kept": ("Closed sessions kept", "닫혔지만 보관 중인 세션"),
    "memory_parts.state": ("Values in session state", "세션 상태의 값"),
    "memory_parts.resource": ("Cached objects: {name}", "캐시된 객체: {name}"),
    "memory_parts.counts_note": (
        "Streamlit does not tell their bytes.",
        "Streamlit은 이들의 크기를 알려 주지 않습니다.",
    ),
    # Its fourth view: the tools
    "memory_tools.caches": ("Caches", "캐시"),
    "memory_tools.clear": ("Clear caches", "캐시 비우기"),
    "memory_tools.clear_note": (
        "Lets go of cached data and of the loaded bundle, which the next visit loads again. "
        "Sessions and ratings stay.",
        "캐시된 데이터와 불러온 번들을 놓아 줍니다. 번들은 다음 방문 때 다시 불러오며, 세션과 평점은 그대로입니다.",
    ),
    "memory_tools.cleared": (
        "Given back: {given}. The next visit loads the bundle again.",
        "반환한 메모리: {given}. 다음 방문 때 번들을 다시 불러옵니다.",
    ),
    "memory_tools.unload": ("Unload search by meaning", "의미 검색 내리기"),
    "memory_tools.unloaded": (
        "Given back: {given}. The next search by meaning loads it again.",
        "반환한 메모리: {given}. 다음 의미 검색 때 다시 불러옵니다.",
    ),
    "memory_tools.looking": ("A closer look", "자세히 보기"),
    "memory_tools.count": ("Count objects by type", "종류별 객체 세기"),
    "memory_tools.start": ("Follow lines of code", "코드 줄 추적 시작"),
    "memory_tools.looking_note": (
        "Following lines notes which one made what is still there (tracemalloc). Meanwhile the "
        "app is three to ten times slower where it makes many objects, and takes more memory. "
        "After a mark, what grew most since then comes first.",
        "코드 줄 추적은 남아 있는 메모리를 어느 줄이 만들었는지 기록합니다(tracemalloc). 그동안 객체를 많이 만드는 부분은 "
        "3–10배 느려지고 메모리도 더 씁니다. 기준을 표시하면 그 뒤로 가장 많이 늘어난 것부터 보여 줍니다.",
    ),
    "memory_tools.tracking": (
        "Lines are followed, which slows the app. Stop it when you are done.",
        "코드 줄을 추적하고 있어 앱이 느려집니다. 끝나면 멈춰 주세요.",
    ),
    "memory_tools.lines": ("Show the lines", "코드 줄 보기"),
    "memory_tools.stop": ("Stop following", "추적 중지"),
    "memory_tools.mark": ("Mark this moment", "지금을 기준으로 표시"),
    "memory_tools.marked": ("Compared with {time}.", "{time} 기준으로 비교합니다."),
    "memory_tools.frozen": (
        "Without {count} objects that have been there since the start.",
        "시작할 때부터 있던 객체 {count}개는 빼고 셉니다.",
    ),
    "memory_tools.objects": ("Type", "종류"),
    "memory_tools.number": ("Objects", "개수"),
    "memory_tools.top_lines": ("Line, since followed", "추적 이후의 코드 줄"),
    "memory_tools.size": ("KB", "크기(KB)"),
    "memory_tools.growth": ("Growth", "증가"),
    "memory_tools.recording": ("Flame graph of an action", "작업의 플레임 그래프"),
    "memory_tools.wanted": ("Action", "작업"),
    "memory_tools.any": ("Whichever comes first", "먼저 오는 작업"),
    "memory_tools.record": ("Record the next one", "다음 작업 기록"),
    "memory_tools.record_note": (
        "memray notes where the action takes memory. Loading it takes some 2 MB for good, and "
        "drawing the picture about 100 MB for a few seconds.",
        "memray가 작업이 메모리를 쓰는 곳을 기록합니다. memray를 불러오면 약 2 MB가 계속 쓰이고, 그림을 그리는 몇 초 "
        "동안 약 100 MB가 더 필요합니다.",
    ),
    "memory_tools.waiting": ("Waiting for: {name}", "기다리는 중: {name}"),
    "memory_tools.give_up": ("Wait no longer", "그만 기다리기"),
    "memory_tools.recording_now": ("Recording: {name}", "기록 중: {name}"),
    "memory_tools.drawing_now": ("Drawing: {name}", "그리는 중: {name}"),
    "memory_tools.download": ("Download: {name}", "내려받기: {name}"),
    "memory_tools.delete": ("Delete the flame graph", "플레임 그래프 삭제"),
    "memory_tools.problem_missing": (
        "This needs memray: pip install memray, then start the server anew.",
        "memray가 필요합니다. pip install memray을 실행한 뒤 서버를 다시 시작해 주세요.",
    ),
    "memory_tools.problem_folder": (
        "No file can be written. Make room in the folder for temporary files (TMPDIR).",
        "파일을 쓸 수 없습니다. 임시 폴더(TMPDIR)의 공간과 권한을 확인해 주세요.",
    ),
    "memory_tools.problem_busy": (
        "An action is being recorded already; wait until it is done.",
        "이미 기록 중인 작업이 있습니다. 끝날 때까지 기다려 주세요.",
    ),
    "memory_tools.problem_tracking": (
        "Something else uses memray in this process; end that first.",
        "이 프로세스에서 다른 것이 memray를 쓰고 있습니다. 먼저 끝내 주세요.",
    ),
    "memory_tools.problem_drawing": (
        "The picture could not be drawn; the server's log says why. It needs about 100 MB.",
        "그림을 그리지 못했습니다. 이유는 서버 로그에 있으며, 약 100 MB가 필요합니다.",
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
