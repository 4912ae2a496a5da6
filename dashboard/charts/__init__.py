"""Records and tables as Plotly figures; nothing here knows Streamlit or the store."""
